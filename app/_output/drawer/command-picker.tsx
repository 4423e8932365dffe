'use client';

import { answerOf } from '@/app/_actions/answer-of';
import { ChevronDown, History } from 'lucide-react';
import { useEffect, useState } from 'react';
import { Button } from '@/app/_ui/button';
import { Menu, MenuChoice, MenuLabel } from '@/app/_ui/menu';
import { Spinner } from '@/app/_ui/spinner';
import { TimeAgo } from '@/app/_ui/time-ago';
import { labelOf } from '@/lib/fleet/operations/operation-words';
import { recentCommands } from './actions';
import { valueOrNull } from '@/app/_actions/value-or-null';
import { CommandIcon } from './command-state';
import { commandWord } from './command-words';
import { openOutput } from './open-output';
import type { CommandView } from '@/lib/protocol/live/views/command-view';

/** Selects one of a host's recent commands. The newest one is followed; an older one stays until another is selected. */
export function CommandPicker({ hostId, commandId }: { hostId: string; commandId: string }) {
  return (
    <Menu
      label="Recent commands"
      align="start"
      trigger={
        <Button size="sm" variant="ghost" icon={<History className="size-3.5" aria-hidden="true" />}>
          <span className="max-lg:sr-only">Recent</span>
          <ChevronDown className="size-3.5" aria-hidden="true" />
        </Button>
      }
    >
      <RecentCommands hostId={hostId} commandId={commandId} />
    </Menu>
  );
}

type Recent = { kind: 'loading' } | { kind: 'loaded'; commands: readonly CommandView[] } | { kind: 'failed' };

function RecentCommands({ hostId, commandId }: { hostId: string; commandId: string }) {
  const [recent, setRecent] = useState<Recent>({ kind: 'loading' });
  useEffect(() => {
    let left = false;
    void valueOrNull(answerOf(recentCommands({ hostId }))).then((commands) => {
      if (!left) setRecent(commands ? { kind: 'loaded', commands } : { kind: 'failed' });
    });
    return () => {
      left = true;
    };
  }, [hostId]);

  if (recent.kind === 'loading') {
    return (
      <div className="p-3 text-muted">
        <Spinner label="Loading recent commands" />
      </div>
    );
  }
  if (recent.kind === 'failed') return <MenuLabel>Could not load recent commands.</MenuLabel>;
  if (recent.commands.length === 0) return <MenuLabel>This host has no commands yet.</MenuLabel>;
  return recent.commands.map((command, index) => (
    <MenuChoice
      key={command.id}
      icon={<CommandIcon command={command} />}
      checked={command.id === commandId}
      onSelect={() => openOutput({ hostId, commandId: command.id, pinned: index > 0 })}
    >
      <span className="flex items-baseline justify-between gap-6">
        <span>
          {labelOf(command)}
          <span className="text-muted"> · {commandWord(command).word}</span>
        </span>
        <TimeAgo at={command.createdAt} className="text-xs text-faint" />
      </span>
    </MenuChoice>
  ));
}
