/** Prometheus metrics: one registry per process, with label values from closed lists. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { singleton } from '@/lib/singleton';
import { meterStore } from './metrics-store';
import type { FleetStore } from '@/lib/fleet/records/store-port';
import type { FleetVitals } from '@/lib/fleet/records/operator-port';
import { COMMAND_OUTCOMES } from '@/lib/protocol/command-phases';
import type { HostView } from '@/lib/protocol/live/views/host-view';
import type { LimitUse } from '@/lib/limits/limit-use';

/** Sources of metrics that are read on demand. */
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

/** Counts of HTTP requests since the start. */
export interface RequestFigures {
  refusedByReason: () => Iterable<readonly [reason: string, count: number]>;
  bodyBytes: number;
  /** Passed to a page or a route. */
  passed: { without_body: number; with_body: number };
  /** Bytes read from all connections. */
  socketBytes: number;
}

export interface MetricsRegistry {
  /** Wraps the store to measure its transactions and outcomes. */
  meter: (store: FleetStore) => FleetStore;
  /** Adds the metrics that are read on demand. Called once. */
  observe: (sources: MetricSources) => void;
  /** All metrics in the Prometheus text format. */
  text: () => Promise<string>;
  contentType: string;
}

/** From a tenth of a millisecond to a disk that takes seconds. */
const COMMIT_BUCKETS_S = [0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];
const QUANTILES = [0.5, 0.95, 1] as const;

/** The metrics of this process, created at the first call. */
export function processMetrics(): MetricsRegistry {
  return singleton('metrics', createMetricsRegistry);
}

export function createMetricsRegistry(): MetricsRegistry {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const commands = new Counter({
    name: 'nixfleet_commands_ended_total',
    help: 'Commands that ended since the start, by outcome.',
    labelNames: ['outcome'],
    registers,
  });
  // Every outcome starts at 0, so that its rate is defined.
  for (const outcome of COMMAND_OUTCOMES) commands.inc({ outcome }, 0);
  const commits = new Histogram({
    name: 'nixfleet_database_commit_seconds',
    help: 'Duration of the durable transactions of the fleet.',
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
  counter('requests_refused_total', 'HTTP requests refused before they reached a page, by reason.', 'reason', () =>
    requests.refusedByReason(),
  );
  counter('requests_passed_total', 'HTTP requests passed to a page or a route.', 'body', () =>
    Object.entries(requests.passed),
  );
  counter('request_body_bytes_total', 'Bytes of request bodies read, including discarded ones.', null, () => [
    ['', requests.bodyBytes],
  ]);
  counter('socket_read_bytes_total', 'Bytes read from all connections.', null, () => [['', requests.socketBytes]]);

  labelled('build_info', 'Always 1; the label is the running version.', 'version', () => [[sources.version, 1]]);
  labelled('agents', 'Agents by state; held agents are connected but not admitted.', 'state', () =>
    Object.entries(sources.vitals().agents),
  );
  labelled('hosts', 'Hosts by state.', 'state', () => hostStates(sources.hosts()));
  labelled(
    'heartbeat_lag_seconds',
    'Seconds since connected agents last sent something, by quantile.',
    'quantile',
    () => quantiles(sources.vitals().lastSeenAt.map((at) => Math.max(0, sources.now() - at) / 1_000)),
  );
  labelled('queue_length', 'Length of the queues inside the dashboard.', 'queue', () =>
    Object.entries(sources.vitals().queues),
  );
  labelled('socket_backlog_bytes', 'Bytes sent to peers that they have not read yet.', 'sockets', () => [
    ['agents', sources.agents().backlogBytes],
    ['browsers', sources.browsers().backlogBytes],
  ]);
  labelled('limit_used', 'Current use of each limit.', 'limit', () =>
    sources.limits().map(({ id, used }) => [id, used] as const),
  );
  labelled('limit_max', 'Maximum of each limit.', 'limit', () =>
    sources.limits().map(({ id, max }) => [id, max] as const),
  );
  new Counter({
    name: 'nixfleet_limit_refused_total',
    help: 'Refusals and disconnections caused by a limit since the start.',
    labelNames: ['limit'],
    registers,
    collect() {
      this.reset();
      for (const { id, refused } of sources.limits()) this.labels(id).inc(refused);
    },
  });
  gauge('browsers', 'Open pages with a live socket.', () => sources.browsers().count);
  gauge('database_refuses', '1 while the database refuses writes.', () =>
    sources.vitals().storageFault === null ? 0 : 1,
  );
  gauge('disk_free_bytes', 'Free space on the disk of the data folder.', sources.diskFreeBytes);
  // Without a backup there is no value, so that an alert on absence can tell it from an old one.
  labelled('backup_timestamp_seconds', 'Time of the newest valid backup.', 'kind', () => {
    const backup = sources.backup();
    return backup ? [['newest', backup.createdAt / 1_000]] : [];
  });
  labelled('backup_size_bytes', 'Size of the newest valid backup.', 'kind', () => {
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
