import { holdEarlyInput } from './hold-early-input';
import { LOST_EVENT, READY_EVENT } from './early-events';

/** A press that was held for longer than this is not repeated: the operator may have done something else since. */
const KEEP_MS = 15_000;

const SCRIPT = `(${holdEarlyInput.toString()})(${JSON.stringify(READY_EVENT)},${JSON.stringify(LOST_EVENT)},${KEEP_MS})`;

/** The first script of every page. `nonce`: that of the response's content security policy. */
export function EarlyInput({ nonce }: { nonce: string | undefined }) {
  // Browsers hide the nonce from scripts, so that it differs from what the server rendered.
  return <script nonce={nonce} suppressHydrationWarning dangerouslySetInnerHTML={{ __html: SCRIPT }} />;
}
