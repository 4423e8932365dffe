import type { Metadata } from 'next';
import { Archive } from 'lucide-react';
import { Badge } from '@/app/_ui/badge';
import { Card } from '@/app/_ui/card';
import { EmptyState } from '@/app/_ui/empty-state';
import { TimeAgo } from '@/app/_ui/time-ago';
import { requirePermission } from '@/lib/auth/next/permission';
import { runtime } from '@/lib/dashboard/runtime';
import { Fact, Facts } from '../facts';
import { BackUpButton } from './back-up-button';
import { sizeText } from './size-text';

export const metadata: Metadata = { title: 'Backups' };

/** The state of the backups, their settings, and the list of available backups. */
export default async function BackupsPage() {
  await requirePermission('administer');
  const status = runtime().backups.status();
  const { backups, problem, warnings, late, intervalMs, encrypted, folder, copyFolder } = status;
  const newest = backups[0] ?? null;
  return (
    <div className="space-y-5">
      <Card
        title="Backups"
        description="Copies of the database and of the secrets that the dashboard generated. Each one was opened and checked."
        flush
        actions={<BackUpButton isRunning={status.runningSince !== null} />}
      >
        <Facts>
          <Fact name="State" hint={problem ?? warnings[0]}>
            {problem !== null ? (
              <Badge tone="bad">Last backup failed</Badge>
            ) : late ? (
              <Badge tone="warn">Newest backup is too old</Badge>
            ) : newest === null ? (
              <Badge tone="warn">No backups yet</Badge>
            ) : warnings.length > 0 ? (
              <Badge tone="warn">OK, with warnings</Badge>
            ) : (
              <Badge tone="ok">OK</Badge>
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
          <Fact name="Schedule" hint="Set by NIXFLEET_BACKUP_INTERVAL.">
            {intervalMs === 0 ? 'Off: backups are made on demand only' : `Every ${intervalText(intervalMs)}`}
          </Fact>
          <Fact
            name="Encryption"
            hint={
              encrypted
                ? 'Store a copy of NIXFLEET_BACKUP_KEY elsewhere: without it, no backup can be opened.'
                : 'Anyone with a backup can read all of it, including secrets. Set NIXFLEET_BACKUP_KEY to encrypt new backups.'
            }
          >
            {encrypted ? <Badge tone="ok">On</Badge> : <Badge tone="warn">Off</Badge>}
          </Fact>
          <Fact
            name="Folder"
            hint={
              copyFolder === null
                ? 'Use another disk, or set NIXFLEET_BACKUP_COPY_DIR to keep a second copy.'
                : undefined
            }
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
        title="Available backups"
        description="To restore one, stop the dashboard and run: nixfleet restore FILE. The replaced files are kept beside the restored ones."
        flush
      >
        {backups.length === 0 ? (
          <EmptyState icon={<Archive className="size-5" aria-hidden="true" />} title="No valid backups in the folder">
            Select “Back up now” to create one.
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
                  {backup.encrypted ? 'encrypted' : 'not encrypted'} · version {backup.version}
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
