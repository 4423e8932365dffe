/** Creates the configured forge and its flake updates, for the composition root. */
import type { DesiredSource } from '@/lib/fleet/hosts/desired';
import { lockFileIn } from '@/lib/git/flake-folder';
import type { Log } from '@/lib/log';
import { createFlakeUpdates, type FlakeUpdatesService } from './flake-update-watch';
import type { Forge, MergeMethod } from './forge';
import { createForgejo } from './forgejo';
import { createGitHub } from './github';
import type { NewEvent } from '@/lib/fleet/records/event-record';
import type { Clock } from '@/lib/fleet/records/environment';

export interface ForgeSettings {
  githubRepo: string | null;
  githubToken: string | null;
  githubApiUrl: string;
  githubPollTtlMs: number;
  forgejoUrl: string | null;
  forgejoRepo: string | null;
  forgejoToken: string | null;
  forgejoPollTtlMs: number;
  configBranch: string;
  flakeDir: string;
  updateFiles: readonly string[];
  updateForks: boolean;
  mergeMethod: MergeMethod;
}

export interface ForgeSurroundings {
  clock: Clock;
  log: Log;
  record: (event: NewEvent) => void;
  /** Refreshes the desired state after a merge. */
  desired: Pick<DesiredSource, 'refresh'>;
}

export function connectForge(
  settings: ForgeSettings,
  forge: Forge | null,
  { clock, log, record, desired }: ForgeSurroundings,
): FlakeUpdatesService {
  return createFlakeUpdates({
    forge,
    rule: {
      base: settings.configBranch,
      lockFile: lockFileIn(settings.flakeDir),
      files: settings.updateFiles,
      forks: settings.updateForks,
    },
    method: settings.mergeMethod,
    intervalMs: forge?.kind === 'forgejo' ? settings.forgejoPollTtlMs : settings.githubPollTtlMs,
    clock,
    log,
    record,
    onMerged: () => void desired.refresh(),
  });
}

export function forgeOf(settings: ForgeSettings, clock: Clock): Forge | null {
  const now = () => clock.now();
  const { githubRepo, githubToken, githubApiUrl, forgejoUrl, forgejoRepo, forgejoToken } = settings;
  if (githubRepo !== null) return createGitHub({ apiUrl: githubApiUrl, repo: githubRepo, token: githubToken, now });
  if (forgejoUrl === null || forgejoRepo === null) return null;
  return createForgejo({ url: forgejoUrl, repo: forgejoRepo, token: forgejoToken, now });
}
