'use client';

import { EllipsisVertical, X } from 'lucide-react';
import { useCallback, useState, useSyncExternalStore } from 'react';
import { sameList } from '@/app/_live/derived';
import { useDerived } from '@/app/_live/live';
import { Button } from '@/app/_ui/button';
import { IconButton, type IconButtonProps } from '@/app/_ui/icon-button';
import { useOnDemand } from '@/app/_ui/on-demand';
import { OPERATIONS } from '@/lib/fleet/operations/operations';
import { PIPELINES } from '@/lib/fleet/pipelines/pipeline-definitions';
import { useOperations } from '../_operations/operations-context';
import { canWait, planOperation, planSentence } from '../_operations/plan';
import { WaitChoice } from '../_operations/wait';
import { PageBar } from '../_shell/page-bar';
import { OperationIcon } from './operation-icons';
import type { Selection } from './selection';
import type { HostView } from '@/lib/protocol/live/views/host-view';
import type { OperationId } from '@/lib/protocol/operation-ids';

const OFFERED: OperationId[] = ['pull', 'switch', 'test', 'stop'];

/** The operations for the selected hosts, with one sentence that says what a click will do. */
export function ActionBar({ selection }: { selection: Selection }) {
  const selected = useSyncExternalStore(selection.subscribe, selection.get, selection.get);
  const pick = useCallback((hosts: readonly HostView[]) => hosts.filter((host) => selected.has(host.id)), [selected]);
  const hosts = useDerived(pick, sameList);
  const { run, runPipeline } = useOperations();
  const [aimed, setAimed] = useState<OperationId>('pull');
  const [queueForMs, setQueueForMs] = useState<number>();
  if (hosts.length === 0) return null;
  const ids = hosts.map((host) => host.id);
  const queues = queueForMs !== undefined;
  const buttons = (
    <Buttons
      hosts={hosts}
      queues={queues}
      onAim={setAimed}
      onRun={(operation) => run(operation, ids, queues ? { queueForMs } : {})}
    />
  );
  return (
    <PageBar>
      <div className="flex justify-center px-3 pb-4">
        <section
          aria-label="Selected hosts"
          data-testid="action-bar"
          className="pointer-events-auto w-full max-w-3xl animate-rise rounded-xl bg-raised p-2 shadow-pop"
        >
          {/* With large counts on a narrow window, the buttons wrap to a separate row. */}
          <div className="flex flex-wrap items-center gap-2">
            <p className="grow pl-2 text-sm font-medium whitespace-nowrap" role="status">
              {hosts.length.toLocaleString('en')}{' '}
              <span className="max-sm:hidden">{hosts.length === 1 ? 'host' : 'hosts'}</span> selected
            </p>
            <div className="flex flex-wrap gap-1.5 max-lg:order-last max-lg:w-full max-lg:*:grow max-sm:hidden">
              {buttons}
              <Button size="sm" onClick={() => runPipeline('do-all', ids)}>
                {PIPELINES['do-all'].label} …
              </Button>
            </div>
            <More hosts={hosts} />
            <IconButton label="Clear selection" size="sm" onClick={() => selection.clear()}>
              <X className="size-4" aria-hidden="true" />
            </IconButton>
          </div>
          <div className="flex items-end gap-3 px-2 pt-1 max-sm:flex-col max-sm:items-stretch">
            <p className="grow pb-0.5 text-xs text-muted max-sm:min-h-9.5 sm:one-line" data-testid="action-plan">
              {planSentence(planOperation(aimed, hosts), queues)}
            </p>
            {hosts.some((host) => !host.online) && <WaitChoice value={queueForMs} onChange={setQueueForMs} />}
          </div>
          <div className="grid grid-cols-4 gap-1.5 pt-1.5 sm:hidden">{buttons}</div>
        </section>
      </div>
    </PageBar>
  );
}

const loadMenu = async () => (await import('./selection-menu')).SelectionMenu;

/** The menu with the other operations. */
function More({ hosts }: { hosts: readonly HostView[] }) {
  const { Part: SelectionMenu, open, preload } = useOnDemand(loadMenu);
  if (SelectionMenu) return <SelectionMenu hosts={hosts} trigger={<MoreButton />} />;
  return (
    <MoreButton aria-haspopup="menu" aria-expanded={false} onClick={open} onPointerEnter={preload} onFocus={preload} />
  );
}

function MoreButton(props: Partial<IconButtonProps>) {
  return (
    <IconButton {...props} label="More actions for the selected hosts" tip="More" size="sm">
      <EllipsisVertical className="size-4" aria-hidden="true" />
    </IconButton>
  );
}

function Buttons({
  hosts,
  queues,
  onAim,
  onRun,
}: {
  hosts: readonly HostView[];
  /** Commands for offline hosts are queued. */
  queues: boolean;
  onAim: (operation: OperationId) => void;
  onRun: (operation: OperationId) => void;
}) {
  return OFFERED.map((operation) => {
    const plan = planOperation(operation, hosts);
    const count = plan.ready.length + (queues ? canWait(plan).length : 0);
    return (
      <Button
        key={operation}
        size="sm"
        variant={operation === 'pull' ? 'primary' : 'secondary'}
        aria-disabled={count === 0 && plan.groups.every((group) => !group.blocked.forceable) ? true : undefined}
        icon={<OperationIcon operation={operation} className="size-3.5 max-sm:hidden" />}
        onPointerEnter={() => onAim(operation)}
        onFocus={() => onAim(operation)}
        onClick={() => onRun(operation)}
      >
        {OPERATIONS[operation].label}
        <span aria-hidden="true" className="opacity-75">
          {count.toLocaleString('en')}
        </span>
      </Button>
    );
  });
}
