'use client';

import { Elapsed, TimeAgo } from '@/app/_ui/time-ago';
import { duration } from '@/app/_ui/ages';
import { TimeLeft } from '@/app/_ui/time-left';
import { labelOf } from '@/lib/fleet/operations/operation-words';
import { CommandControls } from './command-controls';
import { CommandStateBadge } from './command-state';
import { isSuccess } from './command-words';
import { nixSteps, withReported, type StepsEnding } from '../text/nix-phase';
import { NixSteps } from '../text/nix-steps';
import type { NixProgress } from '@/lib/text/nix-progress';
import type { CommandView, ProgressView } from '@/lib/protocol/live/views/command-view';

/** A command: its operation, its state and its controls. */
export function CommandHeader({
  command,
  progress,
  picker,
}: {
  command: CommandView;
  progress: NixProgress;
  picker: React.ReactNode;
}) {
  const ended = command.phase === 'ended';
  const steps = ended
    ? nixSteps(progress, endingOf(command))
    : nixSteps(withReported(progress, command.progress), null);
  return (
    <div className="flex min-w-0 grow flex-col gap-1 md:basis-0">
      <div className="flex items-start gap-2.5">
        <div className="flex min-w-0 grow flex-wrap items-center gap-x-2.5 gap-y-1">
          {/* Before what changes its width: it may not move under the pointer. */}
          {picker}
          <CommandStateBadge command={command} />
          <h2 className="text-sm font-semibold">{labelOf(command)}</h2>
          <p className="flex flex-wrap gap-x-2.5 text-xs text-muted">
            <CommandTime command={command} />
            {command.exitCode !== null && <span>exit code {command.exitCode}</span>}
            <span>by {command.by}</span>
            {command.expiresAt !== null && (
              <span>
                expires in <TimeLeft until={command.expiresAt} />
              </span>
            )}
          </p>
        </div>
        {/* Stop stays at the corner: it is the last one in a row, and the first one in a column. */}
        <div className="flex shrink-0 gap-x-2.5 gap-y-1 empty:hidden max-sm:flex-col-reverse max-sm:items-end">
          <CommandControls command={command} />
        </div>
      </div>
      {command.reason !== '' && <p className="text-xs text-pretty text-muted">{command.reason}</p>}
      {steps.length > 0 ? <NixSteps steps={steps} /> : <ReportedProgress progress={ended ? null : command.progress} />}
    </div>
  );
}

function endingOf(command: CommandView): StepsEnding {
  if (command.outcome === 'partial' || command.outcome === 'rolled-back') return 'warned';
  return isSuccess(command) ? 'done' : 'interrupted';
}

function CommandTime({ command }: { command: CommandView }) {
  const { createdAt, startedAt, endedAt } = command;
  const since = startedAt ?? createdAt;
  if (endedAt === null) return <Elapsed since={since} />;
  return (
    <>
      <span data-tip-time={since}>{duration(endedAt - since)}</span>
      <span>
        ended <TimeAgo at={endedAt} />
      </span>
    </>
  );
}

/** Progress as reported by the agent. */
function ReportedProgress({ progress }: { progress: ProgressView | null }) {
  if (!progress) return null;
  return (
    <p className="text-xs text-busy">
      {progress.label}
      {progress.total > 0 && ` ${progress.current} of ${progress.total}`}
    </p>
  );
}
