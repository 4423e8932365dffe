'use client';

import { answerOf } from '@/app/_actions/answer-of';
import { RefreshCw } from 'lucide-react';
import { useState } from 'react';
import { useFlakeUpdates } from '@/app/_live/live';
import { Badge } from '@/app/_ui/badge';
import { Button } from '@/app/_ui/button';
import { Card } from '@/app/_ui/card';
import { TimeAgo } from '@/app/_ui/time-ago';
import { toast } from '@/app/_ui/toast-store';
import type { SettingView } from '@/lib/dashboard/runtime';
import { checkForUpdates } from '../../_updates/actions';
import { FORGE_NAMES } from '../../_updates/words';
import { Fact, Facts } from '../facts';
import type { FlakeUpdatesView } from '@/lib/protocol/live/views/flake-update-view';

export function ForgeSettingsPanel({ settings }: { settings: readonly SettingView[] }) {
  const updates = useFlakeUpdates();
  return (
    <div className="grid gap-4">
      {updates.source === 'none' ? <NoForge /> : <Forge updates={updates} />}
      <Card
        title="Configuration"
        description="These settings come from the dashboard’s environment. To change one, set its variable and restart."
        flush
      >
        <dl className="divide-y">
          {settings.map(({ name, prose, value }) => (
            <div key={name} className="grid gap-x-6 gap-y-1 px-5 py-3 sm:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
              <dt className="min-w-0">
                <code className="text-xs font-medium break-all text-ink">{name}</code>
                <span className="mt-0.5 block text-xs text-pretty text-muted">{prose.replaceAll('`', '')}</span>
              </dt>
              <dd className="min-w-0 text-xs break-all">
                <code className="text-ink">{value}</code>
              </dd>
            </div>
          ))}
        </dl>
      </Card>
    </div>
  );
}

function Forge({ updates }: { updates: FlakeUpdatesView }) {
  const { source, repo, update, hint, fetchedAt, error } = updates;
  return (
    <Card
      title="Forge"
      description="The service that stores the configuration repository and its pull requests."
      actions={<CheckNow />}
      flush
    >
      <Facts>
        <Fact name="Repository">
          {repo} on {FORGE_NAMES[source]}
        </Fact>
        <Fact name="State" hint={error === null ? undefined : error.message}>
          {error === null ? (
            <Badge tone={fetchedAt === null ? 'idle' : 'ok'}>
              {fetchedAt === null ? 'Not checked yet' : 'Connected'}
            </Badge>
          ) : (
            <>
              <Badge tone="bad">Failing</Badge> First failure: <TimeAgo at={error.since} />
            </>
          )}
        </Fact>
        <Fact name="Last successful check">{fetchedAt === null ? 'Never' : <TimeAgo at={fetchedAt} />}</Fact>
        <Fact name="Flake update" hint={hint ?? undefined}>
          {update === null ? (
            'None open'
          ) : (
            <a
              href={update.url}
              target="_blank"
              rel="noreferrer"
              className="wrap-anywhere text-accent underline underline-offset-2"
            >
              #{update.number} {update.title}
            </a>
          )}
        </Fact>
      </Facts>
    </Card>
  );
}

function CheckNow() {
  const [busy, setBusy] = useState(false);
  const check = async () => {
    setBusy(true);
    try {
      const result = await answerOf(checkForUpdates({}));
      if (!result.ok)
        toast({ tone: 'error', title: 'Could not check the forge', body: 'Your session has ended. Sign in again.' });
    } catch {
      toast({ tone: 'error', title: 'Could not check the forge', body: 'The dashboard can’t be reached. Try again.' });
    }
    setBusy(false);
  };
  return (
    <Button
      size="sm"
      busy={busy}
      onClick={() => void check()}
      icon={<RefreshCw className="size-3.5" aria-hidden="true" />}
    >
      Check now
    </Button>
  );
}

function NoForge() {
  return (
    <Card
      title="No forge configured"
      description="With a forge, the fleet page shows the open pull request that updates flake.lock, and you can merge it there."
    >
      <div className="grid gap-3 text-sm text-pretty text-muted">
        <p>For GitHub, start the dashboard with:</p>
        <Lines>{'NIXFLEET_GITHUB_REPO=owner/name\nNIXFLEET_GITHUB_TOKEN=…'}</Lines>
        <p>
          Use a fine-grained token for that repository alone, with the permissions Contents and Pull requests (read and
          write), and Checks and Commit statuses (read).
        </p>
        <p>For Forgejo or Gitea:</p>
        <Lines>
          {'NIXFLEET_FORGEJO_URL=https://git.example.org\nNIXFLEET_FORGEJO_REPO=owner/name\nNIXFLEET_FORGEJO_TOKEN=…'}
        </Lines>
        <p>The token needs the scope write:repository.</p>
      </div>
    </Card>
  );
}

function Lines({ children }: { children: string }) {
  return (
    <pre className="rounded-md bg-sunken px-3 py-2.5 text-xs wrap-anywhere whitespace-pre-wrap text-ink">
      <code>{children}</code>
    </pre>
  );
}
