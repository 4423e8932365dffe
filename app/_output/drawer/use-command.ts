'use client';

import { answerOf } from '@/app/_actions/answer-of';
import { useEffect, useState } from 'react';
import { useHost } from '@/app/_live/live';
import { findCommand } from './actions';
import { valueOrNull } from '@/app/_actions/value-or-null';
import type { CommandView } from '@/lib/protocol/live/views/command-view';

/**
 * A command: live while its host's view contains it, else read from the dashboard; until that is loaded, as it was last
 * seen. Null when it was not seen yet, and when it does not exist.
 */
export function useCommand(hostId: string, commandId: string): CommandView | null {
  const host = useHost(hostId);
  const shown = host && [host.command, host.control, host.dashboardCommand, host.lastCommand, ...host.queue];
  const live = shown?.find((command) => command?.id === commandId) ?? null;
  const [loaded, setLoaded] = useState<CommandView | null>(null);
  const [seen, setSeen] = useState(live);
  if (live !== null && live !== seen) setSeen(live);
  const isMissing = live === null;

  useEffect(() => {
    if (!isMissing) return;
    let left = false;
    void valueOrNull(answerOf(findCommand({ commandId }))).then((command) => {
      if (!left && command) setLoaded(command);
    });
    return () => {
      left = true;
    };
  }, [isMissing, commandId]);

  return live ?? [loaded, seen].find((command) => command?.id === commandId) ?? null;
}
