/** Backups by the clock and on demand: one at a time, each one told of, and what is wrong shown until it is mended. */
import type { StoredBackup } from './backup-folder';
import type { RunningBackup } from './backup-process';
import type { NewEvent } from '@/lib/fleet/records/event-record';
import type { Clock, FleetLog } from '@/lib/fleet/records/environment';
import type { Requester } from '@/lib/fleet/records/requests';

/** After a start there is more urgent work. */
const FIRST_AFTER_MS = 60_000;
/** A backup that failed is tried again after this, if the interval is longer. */
const RETRY_MS = 3_600_000;
/** The newest good backup is too old when it is older than so many intervals. */
const LATE_INTERVALS = 2;

export interface BackupStatus {
  /** 0: the dashboard makes none by itself. */
  intervalMs: number;
  folder: string;
  copyFolder: string | null;
  encrypted: boolean;
  /** When the one that runs was begun; null when none runs. */
  runningSince: number | null;
  /** Good ones, newest first. */
  backups: readonly Pick<StoredBackup, 'file' | 'bytes' | 'createdAt' | 'encrypted' | 'version'>[];
  /** What the last one failed with; null when it was good or none was tried. */
  problem: string | null;
  /** What is to be mended although the last one is good. */
  warnings: readonly string[];
  /** True when the newest good one is older than two intervals. */
  late: boolean;
}

export interface BackupDeskOptions {
  intervalMs: number;
  folder: string;
  copyFolder: string | null;
  encrypted: boolean;
  list: () => StoredBackup[];
  begin: () => RunningBackup;
  clock: Clock;
  log: FleetLog;
  record: (event: NewEvent) => void;
  /** Shows a sentence on every page until it is called with null. */
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

  constructor(private readonly options: BackupDeskOptions) {}

  start(): void {
    this.startedAt = this.options.clock.now();
    this.look();
    this.arm(FIRST_AFTER_MS);
  }

  /** Ends a backup that runs (what it left is no backup), and waits for that no longer than `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.stopped = true;
    this.cancelBackupTimer();
    const { running } = this;
    if (!running) return;
    running.backup.stop();
    let cancel: () => void = () => undefined;
    const patience = new Promise<void>((resolve) => (cancel = this.options.clock.after(graceMs, resolve)));
    await Promise.race([running.ended, patience]);
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

  /** Begins one now. False when one runs already. */
  backUpNow(by: Requester): boolean {
    if (this.running || this.stopped) return false;
    this.begin(by);
    return true;
  }

  private arm(atLeastMs: number): void {
    const { intervalMs, clock } = this.options;
    this.cancelBackupTimer();
    if (intervalMs === 0 || this.stopped) return;
    const due = (this.backups[0]?.createdAt ?? 0) + intervalMs - clock.now();
    // At most one interval from now: a clock that was put back must not put the next one off for years.
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
      .catch((error: unknown) => this.options.log.error({ err: error }, 'what became of a backup could not be told'));
    this.running = { since, backup, ended };
  }

  private succeeded(file: string, warnings: readonly string[], by: Requester | null): void {
    this.running = null;
    this.problem = null;
    this.warnings = warnings;
    this.look();
    this.options.notify(warnings[0] ?? null);
    this.options.record({
      ...this.event(by),
      level: warnings.length > 0 ? 'warning' : 'success',
      action: 'backup.made',
      outcome: 'succeeded',
      message: [`The backup ${file} was made and checked.`, ...warnings].join(' '),
    });
    this.arm(0);
  }

  private failed(error: unknown, by: Requester | null): void {
    const why = error instanceof Error ? error.message : String(error);
    this.problem = why;
    this.options.log.error({ problem: why }, 'the backup failed');
    this.options.notify(`The last backup failed: ${why}`);
    this.options.record({
      ...this.event(by),
      level: 'error',
      action: 'backup.failed',
      outcome: 'failed',
      message: `The backup failed: ${why}`,
    });
    this.arm(RETRY_MS);
  }

  private event(by: Requester | null): Omit<NewEvent, 'level' | 'action' | 'outcome' | 'message'> {
    return {
      at: this.options.clock.now(),
      category: 'system',
      actorKind: by ? 'operator' : 'dashboard',
      actor: by?.userName ?? 'dashboard',
      userId: by?.userId ?? null,
      address: by?.address ?? '',
      hostId: null,
      hostName: '',
      commandId: null,
    };
  }

  /** The folder is read when something changed in it, not for every page. */
  private look(): void {
    try {
      this.backups = this.options.list();
    } catch (error) {
      this.backups = [];
      const why = error instanceof Error ? error.message : String(error);
      this.options.log.error({ problem: why }, 'the folder of backups can not be read');
    }
  }
}
