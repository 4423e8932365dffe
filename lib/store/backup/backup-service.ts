/** Scheduled and manual backups: one at a time, each recorded as an event; problems are shown until they are solved. */
import type { StoredBackup } from './backup-folder';
import type { RunningBackup } from './backup-process';
import { BY_DASHBOARD, byOperator, NOBODY } from '@/lib/fleet/events';
import type { EventHead, NewEvent } from '@/lib/fleet/records/event-record';
import type { Clock, FleetLog } from '@/lib/fleet/records/environment';
import type { Requester } from '@/lib/fleet/records/requests';

/** Delay of the first backup: a start has more urgent work. */
const FIRST_AFTER_MS = 60_000;
/** A failed backup is retried after this time, or after the interval if that is shorter. */
const RETRY_MS = 3_600_000;
/** The newest good backup is late when it is older than this number of intervals. */
const LATE_INTERVALS = 2;

export interface BackupStatus {
  /** 0: no scheduled backups. */
  intervalMs: number;
  folder: string;
  copyFolder: string | null;
  encrypted: boolean;
  /** When the running backup was started; null when none is running. */
  runningSince: number | null;
  /** Good backups, newest first. */
  backups: readonly Pick<StoredBackup, 'file' | 'bytes' | 'createdAt' | 'encrypted' | 'version'>[];
  /** Why the last backup failed; null when it succeeded or none was tried. */
  problem: string | null;
  /** Problems to solve although the last backup is good. */
  warnings: readonly string[];
  /** True when the newest good backup is older than two intervals. */
  late: boolean;
}

export interface BackupServiceOptions {
  intervalMs: number;
  folder: string;
  copyFolder: string | null;
  encrypted: boolean;
  list: () => StoredBackup[];
  begin: () => RunningBackup;
  clock: Clock;
  log: FleetLog;
  record: (event: NewEvent) => void;
  /** Shows a sentence on every page until called with null. */
  notify: (message: string | null) => void;
}

export class BackupService {
  private backups: StoredBackup[] = [];
  private running: { since: number; backup: RunningBackup; ended: Promise<void> } | null = null;
  private problem: string | null = null;
  private warnings: readonly string[] = [];
  private startedAt = 0;
  private stopped = false;
  private cancelBackupTimer: () => void = () => undefined;

  constructor(private readonly options: BackupServiceOptions) {}

  start(): void {
    this.startedAt = this.options.clock.now();
    this.refreshList();
    this.schedule(FIRST_AFTER_MS);
  }

  /** Cancels a running backup, which then does not count, and waits at most `graceMs` for it to end. */
  async stop(graceMs: number): Promise<void> {
    this.stopped = true;
    this.cancelBackupTimer();
    const { running } = this;
    if (!running) return;
    running.backup.stop();
    let cancel: () => void = () => undefined;
    const timeout = new Promise<void>((resolve) => (cancel = this.options.clock.after(graceMs, resolve)));
    await Promise.race([running.ended, timeout]);
    cancel();
  }

  status(): BackupStatus {
    const { intervalMs, folder, copyFolder, encrypted, clock } = this.options;
    const { problem, warnings, backups } = this;
    const since = backups[0]?.createdAt ?? this.startedAt;
    const late = intervalMs > 0 && clock.now() - since > LATE_INTERVALS * intervalMs;
    const runningSince = this.running?.since ?? null;
    return { intervalMs, folder, copyFolder, encrypted, runningSince, backups, problem, warnings, late };
  }

  /** Starts a backup now. False when one is already running. */
  backUpNow(by: Requester): boolean {
    if (this.running || this.stopped) return false;
    this.begin(by);
    return true;
  }

  private schedule(atLeastMs: number): void {
    const { intervalMs, clock } = this.options;
    this.cancelBackupTimer();
    if (intervalMs === 0 || this.stopped) return;
    const due = (this.backups[0]?.createdAt ?? 0) + intervalMs - clock.now();
    // At most one interval from now: a clock that was set back must not delay the next backup for years.
    this.cancelBackupTimer = clock.after(Math.min(Math.max(due, atLeastMs), intervalMs), () => {
      if (!this.running) this.begin(null);
    });
  }

  private begin(by: Requester | null): void {
    const since = this.options.clock.now();
    let backup: RunningBackup;
    try {
      backup = this.options.begin();
    } catch (error) {
      this.failed(error, by);
      return;
    }
    const ended = backup.result
      .then(
        ({ file, warnings }) => this.succeeded(file, warnings, by),
        (error: unknown) => {
          this.running = null;
          if (!this.stopped) this.failed(error, by);
        },
      )
      .catch((error: unknown) =>
        this.options.log.error({ err: error }, 'the result of a backup could not be recorded'),
      );
    this.running = { since, backup, ended };
  }

  private succeeded(file: string, warnings: readonly string[], by: Requester | null): void {
    this.running = null;
    this.problem = null;
    this.warnings = warnings;
    this.refreshList();
    this.options.notify(warnings[0] ?? null);
    this.options.record({
      ...this.eventHead(by),
      action: 'backup.made',
      params: { file, warnings: [...warnings] },
    });
    this.schedule(0);
  }

  private failed(error: unknown, by: Requester | null): void {
    const why = error instanceof Error ? error.message : String(error);
    this.problem = why;
    this.options.log.error({ problem: why }, 'the backup failed');
    this.options.notify(`The last backup failed: ${why}`);
    this.options.record({ ...this.eventHead(by), action: 'backup.failed', params: { reason: why } });
    this.schedule(RETRY_MS);
  }

  private eventHead(by: Requester | null): EventHead {
    return { ...NOBODY, ...(by === null ? BY_DASHBOARD : byOperator(by)), at: this.options.clock.now() };
  }

  /** Reads the folder when something changed in it, not for every page. */
  private refreshList(): void {
    try {
      this.backups = this.options.list();
    } catch (error) {
      this.backups = [];
      const why = error instanceof Error ? error.message : String(error);
      this.options.log.error({ problem: why }, "the backup folder can't be read");
    }
  }
}
