'use client';

import { answerOf } from '@/app/_actions/answer-of';
import { useRouter } from 'next/navigation';
import { useState } from 'react';
import { Badge, type Tone } from '@/app/_ui/badge';
import { Button } from '@/app/_ui/button';
import { Card } from '@/app/_ui/card';
import { TextField } from '@/app/_ui/field';
import { TimeLeft } from '@/app/_ui/time-left';
import { TimeAgo } from '@/app/_ui/time-ago';
import type { AgentTokenView } from '@/lib/auth/agents/agent-service';
import { issueToken } from './actions';
import type { HostTokens } from './agents-view';
import { ask } from './ask';
import { RevokeDialog, type Revocable } from './revoke-dialog';
import { SecretDialog, type Secret } from './secret-dialog';

/** More are found by their name. */
const MAX_SHOWN = 100;

const CONNECTED: Record<NonNullable<HostTokens['connected']>, { word: string; tone: Tone }> = {
  own: { word: 'Connected with its own token', tone: 'ok' },
  shared: { word: 'Connected with the shared token', tone: 'warn' },
  'version-1': { word: 'Version-1 agent', tone: 'warn' },
};

/** Every host with its tokens: make, rotate, revoke. */
export function HostTokensCard({ hosts }: { hosts: readonly HostTokens[] }) {
  const [text, setText] = useState('');
  const [secret, setSecret] = useState<Secret | null>(null);
  const [revoking, setRevoking] = useState<Revocable | null>(null);
  const found = hosts.filter(({ name }) => name.includes(text.trim().toLowerCase()));
  return (
    <Card
      title="Tokens of hosts"
      description="A host with a token of its own can’t be taken over by whoever has the shared one."
      flush
    >
      {hosts.length > 8 && (
        <div className="border-b px-5 py-3">
          <TextField
            label="Find a host"
            hideLabel
            type="search"
            placeholder="Find a host"
            autoComplete="off"
            value={text}
            onChange={(event) => setText(event.target.value)}
            className="w-64 max-sm:w-full"
          />
        </div>
      )}
      {found.length === 0 ? (
        <p className="px-5 py-6 text-sm text-muted">{hosts.length === 0 ? 'No host yet.' : 'No host matches.'}</p>
      ) : (
        <ul className="divide-y">
          {found.slice(0, MAX_SHOWN).map((host) => (
            <HostRow key={host.id} host={host} onSecret={setSecret} onRevoke={setRevoking} />
          ))}
        </ul>
      )}
      {found.length > MAX_SHOWN && (
        <p className="border-t px-5 py-3 text-xs text-muted">
          {found.length - MAX_SHOWN} more: find them by their name.
        </p>
      )}
      <SecretDialog secret={secret} onClose={() => setSecret(null)} />
      <RevokeDialog what={revoking} onClose={() => setRevoking(null)} />
    </Card>
  );
}

function HostRow({
  host: { id, name, connected, tokens },
  onSecret,
  onRevoke,
}: {
  host: HostTokens;
  onSecret: (secret: Secret) => void;
  onRevoke: (what: Revocable) => void;
}) {
  const router = useRouter();
  const [busy, setBusy] = useState(false);
  const has = tokens.some(({ isV1 }) => !isV1);
  const label = has ? 'Rotate token' : 'Make a token';
  const issue = async () => {
    const description = has
      ? `A new token for ${name}. The present one stays good until the new one is used, for a week at most.`
      : `A token for ${name} alone. A new connection of ${name} needs it from then on; a present one stays.`;
    setBusy(true);
    const made = await ask({ label, description }, (proof) => answerOf(issueToken({ hostId: id }, proof)));
    setBusy(false);
    if (made?.value) onSecret({ kind: 'token', whom: name, value: made.value });
    router.refresh();
  };
  const state = connected && CONNECTED[connected];
  return (
    <li className="px-5 py-3">
      <div className="flex flex-wrap items-center justify-between gap-x-3 gap-y-2">
        <p className="flex min-w-0 flex-wrap items-center gap-2 text-sm">
          <span className="font-medium break-all text-ink">{name}</span>
          {state ? <Badge tone={state.tone}>{state.word}</Badge> : <Badge>Offline</Badge>}
        </p>
        <Button size="sm" busy={busy} aria-label={`${label}: ${name}`} onClick={() => void issue()}>
          {label}
        </Button>
      </div>
      {tokens.length === 0 ? (
        <p className="mt-1 text-xs text-muted">No token of its own.</p>
      ) : (
        <ul className="mt-1 flex flex-col gap-1">
          {tokens.map((token) => (
            <TokenRow
              key={token.id}
              token={token}
              onRevoke={() => onRevoke({ kind: 'token', id: token.id, whom: name, isUsed: token.lastUsedAt !== null })}
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
        {isV1 ? 'Version-1 token' : 'Token'}, made <TimeAgo at={createdAt} /> by {createdBy};{' '}
        {lastUsedAt === null ? (
          'not used yet'
        ) : (
          <>
            used <TimeAgo at={lastUsedAt} />
          </>
        )}
        {expiresAt !== null && (
          <>
            ; replaced, ends in <TimeLeft until={expiresAt} />
          </>
        )}
      </p>
      <Button size="sm" variant="ghost" aria-label={`Revoke token of ${hostName}`} onClick={onRevoke}>
        Revoke
      </Button>
    </li>
  );
}
