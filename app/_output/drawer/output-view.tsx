'use client';

import { useSyncExternalStore } from 'react';
import { Button } from '@/app/_ui/button';
import { EmptyState } from '@/app/_ui/empty-state';
import { Spinner } from '@/app/_ui/spinner';
import { nounPhrase } from '@/lib/fleet/operations/operation-words';
import { CommandHeader } from './command-header';
import { CommandPicker } from './command-picker';
import { ConfirmationPanel } from './confirmation-panel';
import { drawerSettings } from './drawer-settings';
import { openOutput, type OutputTab } from './open-output';
import type { FeedState, OutputFeed } from '../feed/output-feed';
import { OutputLines } from '../text/output-lines';
import { OutputToolbar } from './output-toolbar';
import { useCommand } from './use-command';
import { useSearch } from './use-search';
import type { CommandView } from '@/lib/protocol/live/views/command-view';

/** The output of one command, with its header and toolbar. */
export function OutputView({ tab, hostName, feed }: { tab: OutputTab; hostName: string; feed: OutputFeed }) {
  const command = useCommand(tab.hostId, tab.commandId);
  const state = useSyncExternalStore(feed.subscribe, feed.get, feed.get);
  const store = drawerSettings();
  const settings = useSyncExternalStore(store.subscribe, store.get, store.get);
  const search = useSearch(feed);
  const { newestSeen } = tab;
  const isOlder = tab.pinned && newestSeen !== null && newestSeen !== tab.commandId;

  return (
    <>
      <div className="flex items-start gap-x-4 gap-y-2 border-b px-4 py-2 max-md:flex-col">
        {command ? (
          <CommandHeader
            command={command}
            progress={state.progress}
            picker={<CommandPicker hostId={tab.hostId} commandId={tab.commandId} />}
          />
        ) : (
          <div className="grow">
            <CommandPicker hostId={tab.hostId} commandId={tab.commandId} />
          </div>
        )}
        <OutputToolbar feed={feed} search={search} settings={settings} onSettings={(change) => store.set(change)} />
      </div>
      {command?.confirmation && (
        <ConfirmationPanel command={command} confirmation={command.confirmation} hostName={hostName} />
      )}
      {/* Also while there is no newer command: when one starts, the output must not move. */}
      {tab.pinned && (
        <div className="flex h-9 shrink-0 items-center gap-2 border-b bg-accent-soft px-4 text-xs text-accent pointer-coarse:h-12">
          <span className="one-line">
            {isOlder
              ? `There is a newer command on ${hostName}.`
              : 'This output stays open when a newer command starts.'}
          </span>
          {isOlder && (
            <Button size="sm" onClick={() => openOutput({ hostId: tab.hostId, commandId: newestSeen })}>
              Show newest
            </Button>
          )}
        </div>
      )}
      {state.size > 0 ? (
        <OutputLines
          buffer={feed.buffer}
          size={state.size}
          dropped={state.dropped}
          label={
            command
              ? `Output of the ${nounPhrase(command.operation, hostName, command.generation)}`
              : `Output of ${hostName}`
          }
          wrap={settings.wrap}
          times={settings.times}
          pattern={search.pattern}
          current={search.current}
          complete={state.status.kind === 'complete'}
        />
      ) : (
        <NoLines state={state} command={command} />
      )}
    </>
  );
}

/** Shown while there are no lines. */
function NoLines({ state, command }: { state: FeedState; command: CommandView | null }) {
  const { status } = state;
  if (status.kind === 'unavailable') {
    return (
      <div className="min-h-0 grow overflow-auto bg-sunken">
        <EmptyState title="No output available">{status.reason}</EmptyState>
      </div>
    );
  }
  const complete = status.kind === 'complete' || (command?.phase === 'ended' && command.lines === 0);
  return (
    <div className="flex min-h-0 grow items-center justify-center gap-2 bg-sunken p-4 text-xs text-muted">
      {complete ? (
        'This command produced no output.'
      ) : command?.phase === 'queued' ? (
        'Waiting for the host to reconnect.'
      ) : (
        <>
          <Spinner size="sm" /> Waiting for output
        </>
      )}
    </div>
  );
}
