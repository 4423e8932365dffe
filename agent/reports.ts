/** Sends the generations of the system profile when they differ from what was sent last on the connection. */
import type { AgentFrameInput } from '@/lib/protocol/agent/from-agent';
import type { SystemGenerationsReport } from '@/lib/protocol/agent/system-generations';

export interface GenerationReports {
  /** On a new connection, nothing was sent. */
  connected: () => void;
  /** Reads them again, and sends them if they changed. */
  check: () => void;
}

/** `read`: null where this host does not report them. `send` drops the frame without a connection. */
export function createGenerationReports(
  read: () => SystemGenerationsReport | null,
  send: (frame: AgentFrameInput) => void,
): GenerationReports {
  let sent = '';
  function check(): void {
    const payload = read();
    if (payload === null) return;
    const text = JSON.stringify(payload);
    if (text === sent) return;
    sent = text;
    send({ type: 'system_generations', payload });
  }
  return {
    connected() {
      sent = '';
      check();
    },
    check,
  };
}
