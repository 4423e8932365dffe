'use client';

import { useEffect, useState } from 'react';
import { answerOf } from '@/app/_actions/answer-of';
import { valueOrNull } from '@/app/_actions/value-or-null';
import { useHost } from '@/app/_live/live';
import { Button } from '@/app/_ui/button';
import { Dialog } from '@/app/_ui/dialog';
import { Spinner } from '@/app/_ui/spinner';
import { labelOf } from '@/lib/fleet/operations/operation-words';
import { serverNow } from '@/app/_ui/clock';
import { checkOperation } from '@/lib/fleet/operations/operation-rules';
import { OPERATIONS } from '@/lib/fleet/operations/operations';
import { hostGenerations } from '../actions';
import { GenerationList } from './generation-list';
import { sendOperation } from './send';
import type { SystemGenerations } from '@/lib/fleet/records/generations-record';

const OPERATION = 'switch-generation';

type Loaded = { kind: 'loading' } | { kind: 'failed' } | { kind: 'loaded'; list: SystemGenerations | null };

/** Chooses one of a host's generations and switches to it. The list is the one that the agent reported last. */
export function GenerationDialog({ hostId, onClose }: { hostId: string; onClose: () => void }) {
  const host = useHost(hostId);
  const [loaded, setLoaded] = useState<Loaded>({ kind: 'loading' });
  const [chosen, setChosen] = useState<number | null>(null);
  useEffect(() => {
    let left = false;
    void valueOrNull(answerOf(hostGenerations({ hostId }))).then((value) => {
      if (!left) setLoaded(value === null ? { kind: 'failed' } : { kind: 'loaded', list: value.list });
    });
    return () => {
      left = true;
    };
  }, [hostId]);
  if (!host) return null;

  const blocked = checkOperation(OPERATIONS[OPERATION], host, serverNow());
  const send = () => {
    if (chosen === null) return;
    onClose();
    void sendOperation(OPERATION, [hostId], host.name, { args: { generation: chosen } });
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={`${OPERATIONS[OPERATION].label}: ${host.name}`}
      description="Activates the system of the chosen generation, and makes it the boot default."
      footer={
        <>
          <Button onClick={onClose} data-autofocus>
            Cancel
          </Button>
          <Button variant="danger" disabled={chosen === null || blocked !== null} onClick={send}>
            {labelOf({ operation: OPERATION, generation: chosen })}
          </Button>
        </>
      }
    >
      {/* Its height stays: what is loaded must not move the buttons. */}
      <div className="flex h-[min(26rem,50dvh)] flex-col gap-2">
        <Contents loaded={loaded} chosen={chosen} onChoose={setChosen} />
        <p className="text-xs text-muted empty:hidden" role="status">
          {blocked?.reason}
        </p>
      </div>
    </Dialog>
  );
}

function Contents({
  loaded,
  chosen,
  onChoose,
}: {
  loaded: Loaded;
  chosen: number | null;
  onChoose: (generation: number) => void;
}) {
  if (loaded.kind === 'loading') {
    return (
      <div className="grow p-3 text-muted">
        <Spinner label="Loading the generations" />
      </div>
    );
  }
  if (loaded.kind === 'failed') return <p className="grow text-muted">Could not load the generations. Try again.</p>;
  const { list } = loaded;
  if (list === null || list.generations.length === 0)
    return <p className="grow text-muted">The agent of this host has not reported any generations yet.</p>;
  return <GenerationList list={list} chosen={chosen} onChoose={onChoose} />;
}
