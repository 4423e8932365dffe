/**
 * Causes in the output of running commands, for agents that report no more than an exit code (protocol 2). Its memory is
 * bounded for each command, and kept until the command ends.
 */
import { createCauseFinder, type CauseFinder } from '@/lib/causes/find-cause';
import type { CommandResult, CommandState } from '../records/command-state';
import type { Operation } from '../operations/operation';
import { mayHaveSwitched, UNITS_FAILED } from './command-verdict';

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

  /**
   * The state with the cause in its reason, if the command failed and its output shows why. A switch whose output names
   * failed units is partly done. `result`: what the agent reported, null for nothing.
   */
  explained(id: string, operation: Operation, state: CommandState, result: CommandResult | null): CommandState {
    // Tests print errors that they expect.
    if (state.phase !== 'ended' || operation.id === 'test') return state;
    const cause = this.finders.get(id)?.cause();
    if (cause?.isKnown !== true) return state;
    const text = `Its output says: ${cause.text}${cause.text.endsWith('.') ? '' : '.'}`;
    if (state.outcome === 'partial' && state.reason === UNITS_FAILED && cause.units.length > 0)
      return { ...state, reason: `${UNITS_FAILED} ${text}` };
    if (state.outcome !== 'failed') return state;
    const hasSwitched = result !== null && mayHaveSwitched(operation, result);
    if (hasSwitched && cause.units.length > 0)
      return { ...state, outcome: 'partial', reason: `${UNITS_FAILED} ${text}` };
    return state.reason.includes(cause.text) ? state : { ...state, reason: `${state.reason} ${text}` };
  }

  /** The command has ended. */
  forget(commandId: string): void {
    this.finders.delete(commandId);
  }
}
