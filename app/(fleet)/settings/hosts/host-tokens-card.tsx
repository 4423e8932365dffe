'use client';

import { answerOf } from '@/app/_actions/answer-of';
import { useRouter } from 'next/navigation';
import { useState } from 'react';
import { Badge, type Tone } from '@/app/_ui/badge';
import { Button } from '@/app/_ui/button';
import { Card } from '@/app/_ui/card';
import { NewItems } from '@/app/_ui/new-items';
import { steadyRows } from '@/app/_ui/steady';
import { TextField } from '@/app/_ui/field';
import { TimeLeft } from '@/app/_ui/time-left';
import { TimeAgo } from '@/app/_ui/time-ago';
import type { AgentTokenView } from '@/lib/auth/agents/agent-service';
import { issueToken } from './actions';
import type { HostTokens } from './agents-view';
import { runAction } from './run-action';
import { RevokeDialog, type Revocable } from './revoke-dialog';
import { SecretDialog, type Secret } from './secret-dialog';

/** Further hosts are found by searching. */
const MAX_SHOWN = 100;

const CONNECTED: Record<NonNullable<HostTokens['connected']>, { word: string; tone: Tone }> = {
  host: { word: 'Connected with host token', tone: 'ok' },
  shared: { word: 'Connected with shared token', tone: 'warn' },
  'version-1': { word: 'Version-1 agent', tone: 'warn' },
};

const idOf = ({ id }: HostTokens) => id;

/** Every host with its tokens: create, rotate, revoke. `kept`: the hosts whose places are kept. */
export function HostTokensCard({
  hosts,
  kept,
  onShowNew,
}: {
  hosts: readonly HostTokens[];
  kept: readonly HostTokens[] | null;
  onShowNew: () => void;
}) {
  const [text, setText] = useState('');
  const [secret, setSecret] = useState<Secret | null>(null);
  const [revoking, setRevoking] = useState<Revocable | null>(null);
  const { rows, arrived } = steadyRows(kept, hosts, idOf);
  const found = rows.filter(({ item: { name } }) => name.includes(text.trim().toLowerCase()));
  return (
    <Card
      title="Host tokens"
      description="A host that has a host token can’t be impersonated with the shared one."
      flush
      corner={<NewItems count={arrived} of={arrived === 1 ? 'host' : 'hosts'} onShow={onShowNew} />}
    >
      {rows.length > 8 && (
        <div className="border-b px-5 py-3">
          <TextField
            label="Search hosts"
            hideLabel
            type="search"
            placeholder="Search hosts"
            autoComplete="off"
            value={text}
            onChange={(event) => setText(event.target.value)}
            className="w-64 max-sm:w-full"
          />
        </div>
      )}
      {found.length === 0 ? (
        <p className="px-5 py-6 text-sm text-muted">{rows.length === 0 ? 'No hosts yet.' : 'No matching hosts.'}</p>
      ) : (
        <ul className="divide-y">
          {found.slice(0, MAX_SHOWN).map(({ item, isGone }) => (
            <HostRow key={item.id} host={item} isGone={isGone} onSecret={setSecret} onRevoke={setRevoking} />
          ))}
        </ul>
      )}
      {found.length > MAX_SHOWN && (
        <p className="border-t px-5 py-3 text-xs text-muted">
          {found.length - MAX_SHOWN} more. Search by name to find them.
        </p>
      )}
      <SecretDialog secret={secret} onClose={() => setSecret(null)} />
      <RevokeDialog what={revoking} onClose={() => setRevoking(null)} />
    </Card>
  );
}

function HostRow({
  host: { id, name, connected, tokens },
  isGone,
  onSecret,
  onRevoke,
}: {
  host: HostTokens;
  isGone: boolean;
  onSecret: (secret: Secret) => void;
  onRevoke: (what: Revocable) => void;
}) {
  const router = useRouter();
  const [busy, setBusy] = useState(false);
  const hasToken = tokens.some(({ isV1 }) => !isV1);
  const label = hasToken ? 'Rotate token' : 'Create token';
  const issue = async () => {
    const description = hasToken
      ? `Creates a new token for ${name}. The current one works until the new one is used, for a week at most.`
      : `Creates a token for ${name} alone. New connections of ${name} then require it; an open connection stays.`;
    setBusy(true);
    const created = await runAction({ label, description }, `Could not create a token for ${name}`, (proof) =>
      answerOf(issueToken({ hostId: id }, proof)),
    );
    setBusy(false);
    if (created?.value) onSecret({ kind: 'token', target: name, value: created.value });
    router.refresh();
  };
  const state = connected && CONNECTED[connected];
  return (
    <li className="px-5 py-3">
      <div className="flex items-center justify-between gap-x-3">
        <p className="flex min-w-0 flex-wrap items-center gap-2 text-sm">
          <span className="font-medium break-all text-ink">{name}</span>
          {/* On narrow windows a separate line: its width changes with the connection. */}
          <span className="max-sm:w-full">
            {state && !isGone ? (
              <Badge tone={state.tone}>{state.word}</Badge>
            ) : (
              <Badge>{isGone ? 'Removed' : 'Offline'}</Badge>
            )}
          </span>
        </p>
        <Button size="sm" disabled={isGone} busy={busy} aria-label={`${label}: ${name}`} onClick={() => void issue()}>
          {label}
        </Button>
      </div>
      {tokens.length === 0 ? (
        <p className="mt-1 text-xs text-muted">No host token.</p>
      ) : (
        <ul className="mt-1 flex flex-col gap-1">
          {tokens.map((token) => (
            <TokenRow
              key={token.id}
              token={token}
              onRevoke={() =>
                onRevoke({ kind: 'token', id: token.id, target: name, isUsed: token.lastUsedAt !== null })
              }
              hostName={name}
            />
          ))}
        </ul>
      )}
    </li>
  );
}

function TokenRow({
  token: { isV1, createdAt, createdBy, lastUsedAt, expiresAt },
  hostName,
  onRevoke,
}: {
  token: AgentTokenView;
  hostName: string;
  onRevoke: () => void;
}) {
  return (
    <li className="flex flex-wrap items-center justify-between gap-x-3 gap-y-1">
      <p className="text-xs text-muted">
        {isV1 ? 'Version-1 token' : 'Token'}, created <TimeAgo at={createdAt} /> by {createdBy};{' '}
        {lastUsedAt === null ? (
          'not used yet'
        ) : (
          <>
            last used <TimeAgo at={lastUsedAt} />
          </>
        )}
        {expiresAt !== null && (
          <>
            ; replaced, expires in <TimeLeft until={expiresAt} />
          </>
        )}
      </p>
      <Button size="sm" variant="ghost" aria-label={`Revoke token of ${hostName}`} onClick={onRevoke}>
        Revoke
      </Button>
    </li>
  );
}
