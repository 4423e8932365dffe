/**
 * Records what the dashboard promised, as its agents and its operator saw it, for comparison with the file after each
 * kill. The file must hold at least this much.
 */
import type { SimulatedAgent } from '@/simulator/agent';

export interface Promises {
  /** Accepted commands: command id to host id. */
  accepted: ReadonlyMap<string, string>;
  /** Ids of commands whose result the dashboard acknowledged. */
  results: ReadonlySet<string>;
  /** The highest acknowledged output line of each command. */
  output: ReadonlyMap<string, number>;
}

/** A command that a host received; one entry each time. */
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

  /** Number of commands accepted, sent and acknowledged so far. */
  get steps(): number {
    return this.accepted.size + this.onWire.length + this.results.size;
  }

  /** Records everything that an agent receives. */
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

  /** The dashboard accepted this command. */
  recordAccepted(commandId: string, hostId: string): void {
    this.accepted.set(commandId, hostId);
  }
}
