'use client';

import { useState } from 'react';
import { useFlakeUpdates } from '@/app/_live/live';
import { Badge } from '@/app/_ui/badge';
import { Button } from '@/app/_ui/button';
import { Dialog } from '@/app/_ui/dialog';
import { ChangedInputs } from './changed-inputs';
import { sendMerge } from './send-merge';
import { checksWords, FORGE_NAMES, mergeEmphasis, mergeWarning } from './words';
import type { FlakeUpdateView } from '@/lib/protocol/live/views/flake-update-view';

/**
 * Confirms a merge. It keeps showing the commit that was opened: when the pull request changes meanwhile, the operator
 * has to review it again, because only the reviewed commit is merged.
 */
export function MergeDialog({ opened, onClose }: { opened: FlakeUpdateView; onClose: () => void }) {
  const { source, update: live } = useFlakeUpdates();
  const [seen, setSeen] = useState(opened);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState('');
  const now = live?.number === seen.number ? live : null;
  const isOld = now !== null && now.headSha !== seen.headSha;
  // The checks may change while the dialog is open.
  const shown = now !== null && !isOld ? now : seen;
  const warning = mergeWarning(shown);
  const checks = checksWords(shown.checks);

  const merge = async () => {
    setBusy(true);
    setProblem('');
    const refused = await sendMerge(shown);
    setBusy(false);
    if (refused === null) onClose();
    else setProblem(refused);
  };

  return (
    <Dialog
      open
      onClose={onClose}
      keepsHeight
      title={`Merge flake update #${shown.number}`}
      description={`${shown.title}, into ${shown.base}. Hosts do not change until they pull and switch.`}
      footer={
        <>
          <Button onClick={onClose} data-autofocus>
            Cancel
          </Button>
          {isOld ? (
            <Button variant="primary" onClick={() => setSeen(now)}>
              Show the current version
            </Button>
          ) : (
            <Button
              variant={mergeEmphasis(shown)}
              busy={busy}
              disabled={now === null || shown.blocked !== ''}
              onClick={() => void merge()}
            >
              Merge
            </Button>
          )}
        </>
      }
    >
      <div className="grid gap-3">
        <p className="flex flex-wrap items-center gap-2 text-xs text-muted">
          <Badge tone={checks.tone}>{checks.text}</Badge>
          <span>
            Commit <code className="text-ink">{shown.headSha.slice(0, 7)}</code> by{' '}
            {shown.author || 'an unknown author'}
          </span>
        </p>
        <Notes
          notes={[
            now === null && !busy ? `This pull request is no longer open on ${FORGE_NAMES[source]}.` : '',
            isOld ? 'The pull request has changed since you opened this dialog.' : '',
            shown.blocked,
            warning,
          ]}
        />
        <ChangedInputs update={shown} />
        {problem !== '' && (
          <p
            role="alert"
            ref={(element) => element?.scrollIntoView({ block: 'nearest' })}
            className="rounded-md bg-bad-soft px-3 py-2.5 text-xs font-medium text-pretty text-bad"
          >
            {problem}
          </p>
        )}
      </div>
    </Dialog>
  );
}

function Notes({ notes }: { notes: readonly string[] }) {
  const shown = notes.filter((note) => note !== '');
  return (
    <div role="status" className="empty:hidden">
      {shown.length > 0 && (
        <ul className="grid gap-1 rounded-md bg-warn-soft px-3 py-2.5 text-xs font-medium text-pretty text-warn">
          {shown.map((note) => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      )}
    </div>
  );
}
