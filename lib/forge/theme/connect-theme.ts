/** Connects the colour write-back according to the configuration, for the composition root. */
import type { Log } from '@/lib/log';
import { safeAddress } from '@/lib/git/repository-address';
import type { ForgeSettings } from '../connect-forge';
import type { Forge } from '../forge';
import type { ColorCommitMode } from './theme-mode';
import { createColorWriteBack } from './write-back';
import type { Clock } from '@/lib/fleet/records/environment';
import type { DashboardExecutors } from '@/lib/fleet/records/executor-port';
import { withoutTrailingSlashes } from '@/lib/text/trailing-slashes';

export interface ColorSettings extends ForgeSettings {
  colorCommitMode: ColorCommitMode;
  colorFile: string;
  configRepo: string | null;
  /** Absolute. */
  nixcfgPath: string;
}

/** The write-back for the fleet's `set-color`; empty when colours stay on the dashboard. */
export function connectColors(
  settings: ColorSettings,
  forge: Forge | null,
  clock: Clock,
  log: Log,
): DashboardExecutors {
  const place = placeOf(settings);
  const { colorCommitMode: mode, colorFile: file, configBranch: branch, nixcfgPath: folder } = settings;
  if (mode === 'off' || place === null) return {};
  return { 'set-color': createColorWriteBack({ mode, ...place, branch, file, folder, forge, clock, log }) };
}

/** The repository, with the forge's token if it is on that forge: the token must not reach another server. */
export function placeOf(settings: ColorSettings): { repository: string; token: string | null } | null {
  const { configRepo, githubRepo, githubToken, forgejoUrl, forgejoRepo, forgejoToken } = settings;
  const forge =
    githubRepo !== null
      ? { web: gitHubPages(settings.githubApiUrl), repo: githubRepo, token: githubToken }
      : forgejoUrl !== null && forgejoRepo !== null
        ? { web: withoutTrailingSlashes(forgejoUrl), repo: forgejoRepo, token: forgejoToken }
        : null;
  if (configRepo === null) {
    return forge === null ? null : { repository: `${forge.web}/${forge.repo}.git`, token: forge.token };
  }
  const { url } = safeAddress(configRepo);
  const isForges = forge !== null && URL.canParse(url) && new URL(url).origin === new URL(forge.web).origin;
  return { repository: configRepo, token: isForges ? forge.token : null };
}

/** github.com has a separate API host; a self-hosted server has its API below its address. */
function gitHubPages(apiUrl: string): string {
  const { hostname, origin } = new URL(apiUrl);
  return hostname === 'api.github.com' ? 'https://github.com' : origin;
}
