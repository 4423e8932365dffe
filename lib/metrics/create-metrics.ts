/** Figures for Prometheus: one registry in the process, whose labels have values from closed lists. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { LimitUse } from '@/lib/protocol/limit-use';
import { COMMAND_OUTCOMES, type HostView } from '@/lib/protocol/live';
import { singleton } from '@/lib/singleton';
import { meterStore } from './metrics-store';
import type { FleetStore } from '@/lib/fleet/records/store-port';
import type { FleetVitals } from '@/lib/fleet/records/operator-port';

/** Where figures come from that are read when somebody asks for them. */
export interface MetricSources {
  now: () => number;
  version: string;
  vitals: () => FleetVitals;
  hosts: () => readonly HostView[];
  browsers: () => { count: number; backlogBytes: number };
  agents: () => { backlogBytes: number };
  requests: () => RequestFigures;
  backup: () => { createdAt: number; bytes: number } | null;
  diskFreeBytes: () => number;
  limits: () => readonly LimitUse[];
}

/** What became of HTTP requests since the start. */
export interface RequestFigures {
  refusedByReason: () => Iterable<readonly [reason: string, count: number]>;
  bodyBytes: number;
  /** Handed to a page or a route. */
  passed: { without_body: number; with_body: number };
  /** Read from all connections, whoever read it. */
  socketBytes: number;
}

export interface Metrics {
  /** The store, with its times and outcomes counted. */
  meter: (store: FleetStore) => FleetStore;
  /** Adds what is read on demand. Called once. */
  observe: (sources: MetricSources) => void;
  /** All figures in the text format of Prometheus, and its type. */
  text: () => Promise<string>;
  contentType: string;
}

/** From a tenth of a millisecond to a disk that takes seconds. */
const COMMIT_BUCKETS_S = [0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];
const QUANTILES = [0.5, 0.95, 1] as const;

/** The metrics of this process: made at the first call. */
export function processMetrics(): Metrics {
  return singleton('metrics', createMetrics);
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const commands = new Counter({
    name: 'nixfleet_commands_ended_total',
    help: 'Commands that ended since the start, by outcome.',
    labelNames: ['outcome'],
    registers,
  });
  // Each outcome from the start on: a rate of something that was never counted is nothing.
  for (const outcome of COMMAND_OUTCOMES) commands.inc({ outcome }, 0);
  const commits = new Histogram({
    name: 'nixfleet_database_commit_seconds',
    help: 'How long durable transactions of the fleet took.',
    buckets: COMMIT_BUCKETS_S,
    registers,
  });
  const refusals = new Counter({
    name: 'nixfleet_database_refusals_total',
    help: 'Transactions that the database refused.',
    registers,
  });
  const isOutcome = (word: string): boolean => COMMAND_OUTCOMES.some((outcome) => outcome === word);

  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    meter: (store) =>
      meterStore(store, {
        committed: (seconds) => commits.observe(seconds),
        refused: () => refusals.inc(),
        ended: (outcome) => commands.inc({ outcome: isOutcome(outcome) ? outcome : 'lost' }),
      }),
    observe: (sources) => addGauges(registry, sources),
  };
}

function addGauges(registry: Registry, sources: MetricSources): void {
  const registers = [registry];
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name: `nixfleet_${name}`,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  const labelled = <Label extends string>(
    name: string,
    help: string,
    label: Label,
    read: () => Iterable<readonly [string, number]>,
  ) =>
    new Gauge({
      name: `nixfleet_${name}`,
      help,
      labelNames: [label],
      registers,
      collect() {
        this.reset();
        for (const [value, figure] of read()) this.labels(value).set(figure);
      },
    });

  const counter = <Label extends string>(
    name: string,
    help: string,
    label: Label | null,
    read: () => Iterable<readonly [string, number]>,
  ) =>
    new Counter({
      name: `nixfleet_${name}`,
      help,
      labelNames: label === null ? [] : [label],
      registers,
      collect() {
        this.reset();
        for (const [value, count] of read()) (label === null ? this : this.labels(value)).inc(count);
      },
    });
  const requests = sources.requests();
  counter(
    'requests_refused_total',
    'HTTP requests that were refused before a page saw them, by reason.',
    'reason',
    () => requests.refusedByReason(),
  );
  counter('requests_passed_total', 'HTTP requests that were handed to a page or a route.', 'body', () =>
    Object.entries(requests.passed),
  );
  counter('request_body_bytes_total', 'Bytes of request bodies that were read, also to be thrown away.', null, () => [
    ['', requests.bodyBytes],
  ]);
  counter('socket_read_bytes_total', 'Bytes that were read from all connections.', null, () => [
    ['', requests.socketBytes],
  ]);

  labelled('build_info', 'Always 1; the label says which version runs.', 'version', () => [[sources.version, 1]]);
  labelled('agents', 'Agents by state: held ones are connected and belong to no host.', 'state', () =>
    Object.entries(sources.vitals().agents),
  );
  labelled('hosts', 'Hosts by state.', 'state', () => hostStates(sources.hosts()));
  labelled('heartbeat_lag_seconds', 'How long ago connected agents were heard, by quantile.', 'quantile', () =>
    quantiles(sources.vitals().lastSeenAt.map((at) => Math.max(0, sources.now() - at) / 1_000)),
  );
  labelled('queue_length', 'What waits inside of the dashboard.', 'queue', () =>
    Object.entries(sources.vitals().queues),
  );
  labelled('socket_backlog_bytes', 'Bytes that peers have not taken yet.', 'sockets', () => [
    ['agents', sources.agents().backlogBytes],
    ['browsers', sources.browsers().backlogBytes],
  ]);
  labelled('limit_used', 'How much of a limit is in use.', 'limit', () =>
    sources.limits().map(({ id, used }) => [id, used] as const),
  );
  labelled('limit_max', 'How much a limit allows.', 'limit', () =>
    sources.limits().map(({ id, max }) => [id, max] as const),
  );
  new Counter({
    name: 'nixfleet_limit_refused_total',
    help: 'How often something was refused or ended because of a limit, since the start.',
    labelNames: ['limit'],
    registers,
    collect() {
      this.reset();
      for (const { id, refused } of sources.limits()) this.labels(id).inc(refused);
    },
  });
  gauge('browsers', 'Open pages with a live socket.', () => sources.browsers().count);
  gauge('database_refuses', '1 while the database refuses to store.', () =>
    sources.vitals().storageFault === null ? 0 : 1,
  );
  gauge('disk_free_bytes', 'Room on the disk of the data folder.', sources.diskFreeBytes);
  // Without a backup there is no figure: an alert on absence tells it from an old one.
  labelled('backup_timestamp_seconds', 'When the newest good backup was made.', 'kind', () => {
    const backup = sources.backup();
    return backup ? [['newest', backup.createdAt / 1_000]] : [];
  });
  labelled('backup_size_bytes', 'Size of the newest good backup.', 'kind', () => {
    const backup = sources.backup();
    return backup ? [['newest', backup.bytes]] : [];
  });
}

function hostStates(hosts: readonly HostView[]): [string, number][] {
  const counts = { online: 0, working: 0, offline: 0 };
  for (const host of hosts) counts[!host.online ? 'offline' : host.command ? 'working' : 'online'] += 1;
  return Object.entries(counts);
}

function quantiles(values: readonly number[]): [string, number][] {
  const sorted = [...values].sort((one, other) => one - other);
  return QUANTILES.flatMap((quantile) => {
    const value = sorted[Math.ceil(quantile * sorted.length) - 1];
    return value === undefined ? [] : [[String(quantile), value]];
  });
}
