import type { Metadata } from 'next';
import { Archive } from 'lucide-react';
import { Badge } from '@/app/_ui/badge';
import { Card } from '@/app/_ui/card';
import { EmptyState } from '@/app/_ui/empty-state';
import { TimeAgo } from '@/app/_ui/time-ago';
import { requireSession } from '@/lib/auth/next/app-session';
import { runtime } from '@/lib/dashboard/runtime';
import { Fact, Facts } from '../facts';
import { BackUpButton } from './back-up-button';
import { sizeText } from './size-text';

export const metadata: Metadata = { title: 'Backups' };

/** How safe the data is: the newest backup, what is wrong, and what there is to go back to. */
export default async function BackupsPage() {
  await requireSession();
  const status = runtime().backups.status();
  const { backups, problem, warnings, late, intervalMs, encrypted, folder, copyFolder } = status;
  const newest = backups[0] ?? null;
  return (
    <div className="space-y-5">
      <Card
        title="Backups"
        description="Copies of the database and of the secrets that the dashboard made. Each one was opened and checked."
        flush
        actions={<BackUpButton isRunning={status.runningSince !== null} />}
      >
        <Facts>
          <Fact name="State" hint={problem ?? warnings[0]}>
            {problem !== null ? (
              <Badge tone="bad">The last backup failed</Badge>
            ) : late ? (
              <Badge tone="warn">The newest backup is too old</Badge>
            ) : newest === null ? (
              <Badge tone="warn">No backup yet</Badge>
            ) : warnings.length > 0 ? (
              <Badge tone="warn">Good, with something to mend</Badge>
            ) : (
              <Badge tone="ok">Good</Badge>
            )}
          </Fact>
          <Fact name="Newest">
            {newest === null ? (
              'None'
            ) : (
              <>
                <TimeAgo at={newest.createdAt} />, {sizeText(newest.bytes)}
              </>
            )}
          </Fact>
          <Fact name="By itself" hint="NIXFLEET_BACKUP_INTERVAL sets it.">
            {intervalMs === 0 ? 'Off: backups are made on demand only' : `Every ${intervalText(intervalMs)}`}
          </Fact>
          <Fact
            name="Encryption"
            hint={
              encrypted
                ? 'Keep NIXFLEET_BACKUP_KEY elsewhere too: without it, no backup can be opened.'
                : 'Whoever gets a backup can read all of it, secrets too. Set NIXFLEET_BACKUP_KEY to encrypt the next ones.'
            }
          >
            {encrypted ? <Badge tone="ok">On</Badge> : <Badge tone="warn">Off</Badge>}
          </Fact>
          <Fact
            name="Folder"
            hint={copyFolder === null ? 'Best on another disk, or with NIXFLEET_BACKUP_COPY_DIR.' : undefined}
          >
            <code className="text-xs break-all">{folder}</code>
            {copyFolder !== null && (
              <>
                , copied to <code className="text-xs break-all">{copyFolder}</code>
              </>
            )}
          </Fact>
        </Facts>
      </Card>
      <Card
        title="What there is to go back to"
        description="Stop the dashboard and run: nixfleet restore FILE. What is replaced stays beside it."
        flush
      >
        {backups.length === 0 ? (
          <EmptyState icon={<Archive className="size-5" aria-hidden="true" />} title="No good backup in the folder">
            Press “Back up now”.
          </EmptyState>
        ) : (
          <ul className="divide-y" aria-label="Backups">
            {backups.map((backup) => (
              <li
                key={backup.file}
                className="flex flex-wrap items-baseline justify-between gap-x-4 gap-y-1 px-5 py-3 text-sm"
              >
                <code className="min-w-0 text-xs break-all">{backup.file}</code>
                <span className="text-xs text-muted">
                  <TimeAgo at={backup.createdAt} /> · {sizeText(backup.bytes)} ·{' '}
                  {backup.encrypted ? 'encrypted' : 'not encrypted'} · by {backup.version}
                </span>
              </li>
            ))}
          </ul>
        )}
      </Card>
    </div>
  );
}

function intervalText(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  if (minutes % 60 !== 0) return `${minutes} minutes`;
  return minutes === 60 ? 'hour' : `${minutes / 60} hours`;
}
