/** Stores turns in one transaction, and knows whether the database accepts writes. */
import type { FleetMemory } from './fleet-memory';
import type { FleetOptions } from './fleet-options';
import type { OutputLog, SentOutput } from './output-log';
import type { NewLine, Turn } from './turn';
import type { Refusal } from './turn-runner';
import type { CommandRecord } from '../records/command-record';
import type { EventView } from '@/lib/protocol/live/views/event-view';

/**
 * A database that refused a write is not tried again for this long: one that is locked by another program takes seconds to
 * refuse, and every input would try.
 */
export const STORE_RETRY_MS = 1_000;

/** What one transaction stored. */
export interface Stored {
  commands: CommandRecord[];
  output: SentOutput[];
  events: EventView[];
}

export class TurnStore {
  /** Why the database refuses writes; null while it accepts them. */
  fault: string | null = null;
  private refusedAt = 0;

  /** `faultChanged` is called when the database starts to refuse writes and when it works again. */
  constructor(
    private readonly options: Pick<FleetOptions, 'store' | 'clock' | 'log'>,
    private readonly memory: Pick<FleetMemory, 'liveCommand'>,
    private readonly outputLog: OutputLog,
    private readonly faultChanged: () => void,
  ) {}

  /** Tries the next transaction even if the database refused one a moment ago. */
  retryNow(): void {
    this.refusedAt = -Infinity;
  }

  /** Stores all of these turns or none. */
  async commit(turns: readonly Turn[]): Promise<Stored | Refusal> {
    const pause = this.retryPause;
    if (pause) return pause;
    const commands = new Map(turns.flatMap((turn) => [...turn.commands]));
    const output = this.takeOutput(turns, commands);
    for (const { commandId, counts, record } of output) {
      commands.set(commandId, {
        ...(commands.get(commandId) ?? this.memory.liveCommand(commandId) ?? record),
        ...counts,
      });
    }
    try {
      const events = await this.options.store.commit({
        hosts: turns.flatMap((turn) => [...[...turn.durable].flatMap((id) => turn.hosts.get(id) ?? []), ...turn.facts]),
        commands: [...commands.values()],
        output: output.map(({ commandId, lines }) => ({ commandId, lines })),
        metrics: turns.flatMap((turn) => turn.metrics),
        systemGenerations: turns.flatMap((turn) =>
          [...turn.systemGenerations].map(([hostId, list]) => ({ hostId, list })),
        ),
        pipelines: turns.flatMap((turn) => [...turn.pipelineRecords.values()]),
        pipelineHosts: turns.flatMap((turn) => [...turn.pipelineHosts.values()]),
        events: turns.flatMap((turn) => turn.events),
        removedHosts: turns.flatMap((turn) => turn.removed),
      });
      this.setFault(null);
      return { commands: [...commands.values()], output, events };
    } catch (error) {
      for (const batch of output) this.outputLog.putBack(batch);
      return this.refused(error);
    }
  }

  /** The output that is stored with these turns: what agents sent, and the lines that the turns add. */
  private takeOutput(turns: readonly Turn[], commands: ReadonlyMap<string, CommandRecord>): SentOutput[] {
    const added = new Map<string, NewLine[]>();
    for (const id of turns.flatMap((turn) => [...turn.withOutput])) added.set(id, []);
    for (const line of turns.flatMap((turn) => turn.lines)) {
      const known = added.get(line.command.id);
      if (known) known.push(line);
      else added.set(line.command.id, [line]);
    }
    return [...added].flatMap(([id, lines]) => {
      // Late output can belong to a command that is no longer in memory: the output log has its record.
      const record =
        this.memory.liveCommand(id) ?? commands.get(id) ?? this.outputLog.recordOf(id) ?? lines[0]?.command ?? null;
      const endedAt = commands.get(id)?.endedAt ?? null;
      return (record && this.outputLog.take(record, lines, endedAt)) ?? [];
    });
  }

  /** Why the database is not tried now, or null. */
  private get retryPause(): Refusal | null {
    const { fault } = this;
    // Absolute: the clock may have been set back.
    const since = Math.abs(this.options.clock.now() - this.refusedAt);
    if (fault === null || since >= STORE_RETRY_MS) return null;
    return { reason: fault, kind: 'storage' };
  }

  private refused(error: unknown): Refusal {
    const message = error instanceof Error ? error.message : String(error);
    if (error instanceof Error && 'kind' in error && error.kind === 'constraint') {
      this.options.log.error(
        { err: error },
        'the database rejected a transaction because a change in it violates a constraint',
      );
      return { reason: message, kind: 'constraint' };
    }
    this.refusedAt = this.options.clock.now();
    this.setFault(message, error);
    return { reason: message, kind: 'storage' };
  }

  /** `fault`: why the database refuses writes; null when it accepts them. Never throws. */
  private setFault(fault: string | null, error?: unknown): void {
    if (this.fault === fault) return;
    this.fault = fault;
    const { log } = this.options;
    if (fault === null) log.info({}, 'the database accepts writes again');
    else log.error({ err: error }, 'the database refuses writes');
    try {
      this.faultChanged();
    } catch (problem) {
      log.error({ err: problem }, 'could not publish whether the database accepts writes');
    }
  }
}
