/** A command as it is sent to an agent: its name on the wire and its frame. */
import type { CommandRecord } from '../records/command-record';
import { OPERATIONS } from './operations';
import { generationIn } from '@/lib/protocol/agent/system-generations';
import type { ServerFrame } from '@/lib/protocol/agent/to-agent';

/** The command's name on the wire; empty for operations without one. */
export function wireName(command: CommandRecord | null): string {
  const wire = command && OPERATIONS[command.operation].wire;
  return wire?.kind === 'command' ? wire.command : '';
}

/** The frame for an agent of this protocol; null for dashboard operations. */
export function frameOf({ id, operation, targetId, args, state }: CommandRecord, protocol: 2 | 3): ServerFrame | null {
  const { wire } = OPERATIONS[operation];
  if (!wire) return null;
  if (wire.kind === 'kill') return { type: 'kill_command', payload: { signal: wire.signal, pid: 0 } };
  const generation = generationIn(args);
  const ids = protocol === 3 ? { id, ...(targetId === null ? {} : { target: targetId }) } : {};
  const confirmS = state.phase === 'queued' || state.phase === 'ended' ? undefined : state.confirmS;
  const confirm = protocol === 3 && confirmS !== undefined ? { confirm: { window_s: confirmS } } : {};
  return {
    type: 'command',
    payload: { command: wire.command, ...(generation === null ? {} : { generation }), ...ids, ...confirm },
  };
}
