'use client';

import { answerOf } from '@/app/_actions/answer-of';
import { useRouter } from 'next/navigation';
import { Badge, type Tone } from '@/app/_ui/badge';
import { Button } from '@/app/_ui/button';
import { Card } from '@/app/_ui/card';
import { cx } from '@/app/_ui/cx';
import { NewItems } from '@/app/_ui/new-items';
import { steadyRows } from '@/app/_ui/steady';
import { TimeAgo } from '@/app/_ui/time-ago';
import { toast } from '@/app/_ui/toast-store';
import { approveHost, refuseHost } from './actions';
import { runAction } from './run-action';
import type { HeldAgent, HeldReason } from '@/lib/fleet/records/agent-port';

const WORDS: Record<HeldReason, { word: string; tone: Tone }> = {
  approval: { word: 'Pending approval', tone: 'accent' },
  refused: { word: 'Refused', tone: 'idle' },
  duplicate: { word: 'Duplicate agent', tone: 'warn' },
  'own-token': { word: 'Host token required', tone: 'warn' },
  'foreign-token': { word: 'Token of another host', tone: 'bad' },
  'bad-name': { word: 'Invalid host name', tone: 'warn' },
  'fleet-full': { word: 'Fleet is full', tone: 'warn' },
  leaving: { word: 'Being removed', tone: 'idle' },
};

const keyOf = ({ name, address }: HeldAgent) => `${name} ${address}`;

/** Pending agents: connected, but not admitted. `kept`: those whose places are kept. */
export function PendingAgentsCard({
  held,
  kept,
  onShowNew,
}: {
  held: readonly HeldAgent[];
  kept: readonly HeldAgent[] | null;
  onShowNew: () => void;
}) {
  const { rows, arrived } = steadyRows(kept, held, keyOf);
  return (
    <Card
      title="Pending agents"
      description="Agents that are connected but not admitted. They can’t report anything and receive no commands."
      flush
      corner={<NewItems count={arrived} of={arrived === 1 ? 'pending agent' : 'pending agents'} onShow={onShowNew} />}
    >
      {rows.length === 0 ? (
        <p className="px-5 py-6 text-sm text-muted">No pending agents.</p>
      ) : (
        <ul className="divide-y">
          {rows.map(({ item, isGone }, index) => (
            <HeldRow key={`${keyOf(item)} ${index}`} agent={item} isGone={isGone} />
          ))}
        </ul>
      )}
    </Card>
  );
}

function HeldRow({
  agent: { name, address, version, since, reason, message },
  isGone,
}: {
  agent: HeldAgent;
  isGone: boolean;
}) {
  const router = useRouter();
  const { word, tone } = WORDS[reason];
  const approve = async () => {
    const words = { label: 'Approve', description: `This admits ${name}, which then receives commands.` };
    const done = await runAction(words, `Could not approve ${name}`, (proof) =>
      answerOf(approveHost({ hostName: name }, proof)),
    );
    if (done && done.value !== '') toast({ tone: 'error', title: `Could not approve ${name}`, body: done.value });
    router.refresh();
  };
  const refuse = async () => {
    await runAction({ label: 'Refuse' }, `Could not refuse ${name}`, () => answerOf(refuseHost({ hostName: name })));
    router.refresh();
  };
  return (
    <li className="flex flex-wrap items-start justify-between gap-3 px-5 py-3">
      <div className={cx('min-w-0 flex-1 basis-64', isGone && 'opacity-55')}>
        <p className="flex flex-wrap items-center gap-2 text-sm">
          <span className="font-medium break-all text-ink">{name === '' ? 'no name' : name}</span>
          <Badge tone={isGone ? 'idle' : tone}>{isGone ? 'No longer pending' : word}</Badge>
        </p>
        <p className="mt-0.5 text-xs text-muted">
          {address}
          {version !== '' && <>, agent {version}</>}, since <TimeAgo at={since} />
        </p>
        <p className="mt-1 text-xs text-pretty wrap-anywhere text-muted">{message}</p>
      </div>
      {(reason === 'approval' || reason === 'refused') && (
        // Each button keeps its place when the other one, or the agent, goes.
        <div className={cx('flex gap-2', isGone && 'invisible')}>
          <Button
            size="sm"
            className={cx(reason === 'refused' && 'invisible')}
            aria-label={`Refuse ${name}`}
            onClick={() => void refuse()}
          >
            Refuse
          </Button>
          <Button size="sm" variant="primary" aria-label={`Approve ${name}`} onClick={() => void approve()}>
            Approve
          </Button>
        </div>
      )}
    </li>
  );
}
