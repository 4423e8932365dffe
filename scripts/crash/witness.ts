/**
 * What was promised: recorded outside of the dashboard, as its agents and its operator saw it, and compared with the file
 * after each kill. The file must know at least this much.
 */
import type { SimulatedAgent } from '@/simulator/agent';

export interface Promises {
  /** Ids of commands that the dashboard told the operator it had taken, by host. */
  accepted: ReadonlyMap<string, string>;
  /** Ids of commands whose result the dashboard acknowledged. */
  results: ReadonlySet<string>;
  /** The highest number of an output line that the dashboard acknowledged, by command. */
  output: ReadonlyMap<string, number>;
}

/** A command that a host received, as often as it did. */
export interface OnWire {
  host: string;
  command: string;
  /** Null in protocol 2. */
  id: string | null;
}

export class Witness implements Promises {
  readonly accepted = new Map<string, string>();
  readonly results = new Set<string>();
  readonly output = new Map<string, number>();
  readonly onWire: OnWire[] = [];

  /** How much it has seen: commands that were taken, sent and acknowledged as ended. */
  get steps(): number {
    return this.accepted.size + this.onWire.length + this.results.size;
  }

  /** Watches an agent for good. */
  watch(agent: SimulatedAgent): void {
    agent.on((event) => {
      if (event.type === 'command') this.onWire.push({ host: agent.hostname, command: event.command, id: event.id });
      if (event.type !== 'acknowledged') return;
      if (event.result) this.results.add(event.id);
      if (event.outputSeq !== null) {
        this.output.set(event.id, Math.max(event.outputSeq, this.output.get(event.id) ?? 0));
      }
    });
  }

  /** The dashboard said that it took this command. */
  took(commandId: string, hostId: string): void {
    this.accepted.set(commandId, hostId);
  }
}
