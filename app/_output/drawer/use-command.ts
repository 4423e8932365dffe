'use client';

import { answerOf } from '@/app/_actions/answer-of';
import { useEffect, useState } from 'react';
import { useHost } from '@/app/_live/live';
import type { CommandView } from '@/lib/protocol/live';
import { findCommand } from './actions';
import { answered } from './answered';

/**
 * A command as it is now: from the live host while it shows it, else asked for. null while nothing is known, and where
 * the command is not there any more.
 */
export function useCommand(hostId: string, commandId: string): CommandView | null {
  const host = useHost(hostId);
  const shown = host && [host.command, host.control, host.dashboardCommand, host.lastCommand, ...host.queue];
  const live = shown?.find((command) => command?.id === commandId) ?? null;
  const [asked, setAsked] = useState<CommandView | null>(null);
  const isMissing = live === null;

  useEffect(() => {
    if (!isMissing) return;
    let left = false;
    void answered(answerOf(findCommand({ commandId }))).then((command) => {
      if (!left && command) setAsked(command);
    });
    return () => {
      left = true;
    };
  }, [isMissing, commandId]);

  return live ?? (asked?.id === commandId ? asked : null);
}
