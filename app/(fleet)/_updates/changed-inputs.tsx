import { ArrowRight } from 'lucide-react';
import { Badge } from '@/app/_ui/badge';
import { TimeAgo } from '@/app/_ui/time-ago';
import { INPUT_KINDS, shortRev } from './words';
import type { FlakeUpdateView, InputChangeView, LockedInputView } from '@/lib/protocol/live/views/flake-update-view';

/** The inputs that an update changes: old and new revision, and their ages. */
export function ChangedInputs({ update: { inputs, moreInputs, inputsProblem } }: { update: FlakeUpdateView }) {
  if (inputsProblem !== '') return <p className="text-xs text-pretty text-warn">{inputsProblem}</p>;
  if (inputs.length === 0) return <p className="text-xs text-muted">No inputs change.</p>;
  return (
    <>
      <table className="w-full text-left text-xs max-sm:block">
        <thead className="max-sm:sr-only">
          <tr className="text-muted">
            <th scope="col" className="py-1 pr-4 font-medium">
              Input
            </th>
            <th scope="col" className="py-1 pr-4 font-medium">
              From
            </th>
            <th scope="col" className="py-1 font-medium">
              To
            </th>
          </tr>
        </thead>
        <tbody className="divide-y max-sm:block">
          {inputs.map((input) => (
            <InputRow key={input.name} input={input} />
          ))}
        </tbody>
      </table>
      {moreInputs > 0 && <p className="mt-2 text-xs text-muted">And {moreInputs} more.</p>}
    </>
  );
}

function InputRow({ input: { name, kind, from, to, compareUrl } }: { input: InputChangeView }) {
  return (
    <tr className="max-sm:grid max-sm:grid-cols-[1fr_auto_1fr] max-sm:gap-x-2 max-sm:py-1.5" data-input={name}>
      <th scope="row" className="py-1.5 pr-4 font-medium wrap-anywhere text-ink max-sm:col-span-3 max-sm:py-0">
        {name}
        {kind !== 'changed' && <Badge className="ml-2">{INPUT_KINDS[kind]}</Badge>}
      </th>
      <td className="py-1.5 pr-4 max-sm:p-0">
        <Locked input={from} />
      </td>
      <td className="py-1.5 max-sm:col-span-2 max-sm:p-0">
        <span className="inline-flex items-baseline gap-2">
          <ArrowRight className="size-3 self-center text-faint" aria-hidden="true" />
          <Locked input={to} />
          {compareUrl !== '' && (
            <a
              href={compareUrl}
              target="_blank"
              rel="noreferrer"
              className="text-accent underline decoration-line-strong underline-offset-2 pointer-coarse:py-2"
            >
              <span className="sr-only">{name}: </span>compare
            </a>
          )}
        </span>
      </td>
    </tr>
  );
}

function Locked({ input }: { input: LockedInputView | null }) {
  if (input === null) return <span className="text-muted">–</span>;
  const { rev, ref, lastModified, url } = input;
  return (
    <span className="inline-flex flex-wrap items-baseline gap-x-2">
      <code className="text-ink" data-tip={[rev, ref, url].filter((line) => line !== '').join('\n')}>
        {shortRev(input)}
      </code>
      {lastModified !== null && <TimeAgo at={lastModified} className="text-muted" />}
    </span>
  );
}
