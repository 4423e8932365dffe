/** Variables of the desired state. */
import { branch, repository, repositoryFolder, version3Duration, webAddress } from '../parsers';
import { optional, variable, type Variable } from './variable';

export const DESIRED_STATE_VARIABLES = {
  configRepo: variable({
    name: 'NIXFLEET_CONFIG_REPO',
    prose:
      "Git repository with the fleet's configuration. It defines what the hosts should run, and who is behind or ahead.",
    parse: optional(repository),
    fallback: null,
    fallbackText: 'not set',
    shows: 'address',
  }),
  configBranch: variable({
    name: 'NIXFLEET_CONFIG_BRANCH',
    prose: 'Branch of that repository.',
    parse: branch,
    fallback: 'main',
    fallbackText: 'main',
  }),
  flakeDir: variable({
    name: 'NIXFLEET_FLAKE_DIR',
    prose:
      'Folder of the flake in that repository. Its flake.lock is the one that hosts and flake updates are compared with.',
    parse: repositoryFolder,
    fallback: '',
    fallbackText: 'the root',
  }),
  versionUrl: variable({
    name: 'NIXFLEET_VERSION_URL',
    prose: "A version.json that says what the hosts should run, for when the dashboard can't reach the repository.",
    parse: optional(webAddress),
    fallback: null,
    fallbackText: 'not set',
    shows: 'address',
    formerly: { name: 'NIXFLEET_NIXCFG_VERSION_URL' },
  }),
  versionFetchTtlMs: variable({
    name: 'NIXFLEET_VERSION_FETCH_TTL',
    prose: 'How often the desired state is fetched.',
    parse: version3Duration({ ms: 1_000, text: '1s' }, { ms: 30_000, text: '30s' }),
    fallback: 30_000,
    fallbackText: '30s',
  }),
} satisfies Record<string, Variable<unknown>>;
