/** Writes adopted rows into the new database, in transactions of bounded size. Statements are prepared once. */
import { randomBytes, randomUUID } from 'node:crypto';
import { drizzle } from 'drizzle-orm/better-sqlite3';
import type Sqlite from 'better-sqlite3';
import { newCommandId } from '@/lib/fleet/records/ids';
import { toOutputJson } from '../sqlite/rows';
import { agentTokens, commandOutput, commands, hosts, metricSamples, pipelineHosts, pipelines } from '../sqlite/schema';
import { prepareWriter } from '../sqlite/statements';
import type { AdoptedCommand } from './adopt-command';
import type { AdoptedHost } from './adopt-host';
import type { AdoptedPipeline } from './adopt-pipeline';
import type { MetricsSample } from '@/lib/fleet/records/host-record';

/** Rows per transaction: at most a second's work. */
const ROWS_PER_TRANSACTION = 5_000;
/** Lines of output in one row. */
const LINES_PER_ROW = 500;

export class Writers {
  private readonly write;
  private readonly exists;
  private readonly db;
  private rows = 0;
  private idTime = 0;
  private readonly nextId = newCommandId(() => this.idTime, randomBytes);

  /** `onBatch` is called after each transaction. */
  constructor(
    private readonly client: Sqlite.Database,
    private readonly onBatch: () => void,
  ) {
    this.db = drizzle(client);
    this.write = {
      host: prepareWriter(client, hosts),
      token: prepareWriter(client, agentTokens),
      command: prepareWriter(client, commands),
      output: prepareWriter(client, commandOutput),
      sample: prepareWriter(client, metricSamples),
    };
    const found = (sql: string) => client.prepare<unknown[], number>(sql).pluck();
    this.exists = {
      command: found('select 1 from commands where id = ?'),
      pipeline: found('select 1 from pipelines where id = ?'),
      sample: found('select 1 from metric_samples where host_id = ? and at = ?'),
    };
  }

  /** Counts a row; commits and starts the next transaction when this one is full. */
  step(): void {
    this.rows += 1;
    if (this.rows % ROWS_PER_TRANSACTION !== 0) return;
    this.client.exec('commit; begin');
    this.onBatch();
  }

  newCommandId(at: number): string {
    // A UUID of version 7 can't hold a time before 1970.
    this.idTime = Math.max(0, at);
    return this.nextId();
  }

  hasCommand(id: string): boolean {
    return this.exists.command.get(id) !== undefined;
  }

  hasPipeline(id: string): boolean {
    return this.exists.pipeline.get(id) !== undefined;
  }

  hasSample(hostId: string, at: number): boolean {
    return this.exists.sample.get(hostId, at) !== undefined;
  }

  host({ row, tokenHash }: AdoptedHost, now: number): void {
    this.write.host(row);
    if (tokenHash === null) return;
    this.write.token({
      id: randomUUID(),
      hostId: row.id,
      scheme: 'v1-hmac',
      tokenHash,
      createdAt: now,
      createdBy: 'version 1',
    });
  }

  command({ row, output }: Extract<AdoptedCommand, { kind: 'command' }>): void {
    this.write.command(row);
    for (let from = 0; from < output.length; from += LINES_PER_ROW) {
      const lines = output.slice(from, from + LINES_PER_ROW);
      const lastSeq = from + lines.length;
      this.write.output({ commandId: row.id, firstSeq: from + 1, lastSeq, lines: toOutputJson(lines) });
    }
  }

  pipeline({ row, hosts: parts }: AdoptedPipeline): void {
    if (!row) return;
    this.db.insert(pipelines).values(row).run();
    for (const part of parts) this.db.insert(pipelineHosts).values(part).run();
  }

  sample({ hostId, at, metrics }: MetricsSample): void {
    this.write.sample({ hostId, at, ...metrics });
  }
}
