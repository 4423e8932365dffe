/**
 * Causes in the output of running commands, for agents that report no more than an exit code (protocol 2). Its memory is
 * bounded for each command, and kept until the command ends.
 */
import { createCauseFinder, type CauseFinder } from '@/lib/causes/find-cause';
import type { CommandRecord } from '../records/command-record';
import type { CommandState } from '../records/command-state';

export class OutputCauses {
  private readonly finders = new Map<string, CauseFinder>();

  /** The next line of a running command. */
  add(commandId: string, line: string): void {
    let finder = this.finders.get(commandId);
    if (!finder) {
      finder = createCauseFinder();
      this.finders.set(commandId, finder);
    }
    finder.add(line);
  }

  /** The state with the cause in its reason, if the command failed and its output shows why. */
  explained({ id, operation }: Pick<CommandRecord, 'id' | 'operation'>, state: CommandState): CommandState {
    // Tests print errors that they expect.
    if (state.phase !== 'ended' || state.outcome !== 'failed' || operation === 'test') return state;
    const cause = this.finders.get(id)?.cause();
    if (cause?.isKnown !== true || state.reason.includes(cause.text)) return state;
    const end = cause.text.endsWith('.') ? '' : '.';
    return { ...state, reason: `${state.reason} Its output says: ${cause.text}${end}` };
  }

  /** The command has ended. */
  forget(commandId: string): void {
    this.finders.delete(commandId);
  }
}
