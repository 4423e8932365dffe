/** Variables of flake updates and the forges that hold them. */
import { MERGE_METHODS } from '@/lib/forge/forge';
import {
  apiAddress,
  boolean,
  choice,
  parseDuration,
  list,
  ownerAndName,
  repositoryFile,
  text,
  version3Duration,
} from '../parsers';
import { MINUTE_MS, optional, variable, type Variable } from './variable';

export const FLAKE_UPDATE_VARIABLES = {
  githubRepo: variable({
    name: 'NIXFLEET_GITHUB_REPO',
    prose: 'The configuration repository on GitHub, as `owner/name`. Its flake updates are shown and can be merged.',
    parse: optional(ownerAndName),
    fallback: null,
    fallbackText: 'not set',
  }),
  githubToken: variable({
    name: 'NIXFLEET_GITHUB_TOKEN',
    prose:
      'A token for that repository, with Contents and Pull requests (read and write), Checks and Commit statuses (read). ' +
      'Reading a public repository needs no token.',
    parse: optional(text),
    fallback: null,
    fallbackText: 'not set',
    shows: 'secret',
  }),
  githubApiUrl: variable({
    name: 'NIXFLEET_GITHUB_API_URL',
    prose: "Address of GitHub's API. For GitHub Enterprise Server: `https://HOST/api/v3`.",
    parse: apiAddress,
    fallback: 'https://api.github.com',
    fallbackText: 'https://api.github.com',
    shows: 'address',
  }),
  githubPollTtlMs: variable({
    name: 'NIXFLEET_GITHUB_POLL_TTL',
    prose:
      'How often GitHub is checked for flake updates. A request that finds no change does not count against its rate limit.',
    parse: version3Duration({ ms: 10_000, text: '10s' }, { ms: 5 * MINUTE_MS, text: '5m' }),
    fallback: 5 * MINUTE_MS,
    fallbackText: '5m',
  }),
  forgejoUrl: variable({
    name: 'NIXFLEET_FORGEJO_URL',
    prose: 'Address of a Forgejo or Gitea server, instead of GitHub.',
    parse: optional(apiAddress),
    fallback: null,
    fallbackText: 'not set',
    shows: 'address',
  }),
  forgejoRepo: variable({
    name: 'NIXFLEET_FORGEJO_REPO',
    prose: 'The configuration repository on that server, as `owner/name`.',
    parse: optional(ownerAndName),
    fallback: null,
    fallbackText: 'not set',
  }),
  forgejoToken: variable({
    name: 'NIXFLEET_FORGEJO_TOKEN',
    prose: 'A token for that repository, with the scope `write:repository`.',
    parse: optional(text),
    fallback: null,
    fallbackText: 'not set',
    shows: 'secret',
  }),
  forgejoPollTtlMs: variable({
    name: 'NIXFLEET_FORGEJO_POLL_TTL',
    prose: 'How often that server is checked for flake updates.',
    parse: parseDuration(10_000, '10s'),
    fallback: 5 * MINUTE_MS,
    fallbackText: '5m',
  }),
  updateFiles: variable({
    name: 'NIXFLEET_UPDATE_FILES',
    prose:
      'Files besides flake.lock that a flake update may change, comma-separated. A pull request that changes others is not ' +
      'offered.',
    parse: list(repositoryFile),
    fallback: [],
    fallbackText: 'none',
  }),
  updateForks: variable({
    name: 'NIXFLEET_UPDATE_FORKS',
    prose: 'Whether a flake update may come from a fork of the repository.',
    parse: boolean,
    fallback: false,
    fallbackText: 'false',
  }),
  mergeMethod: variable({
    name: 'NIXFLEET_MERGE_METHOD',
    prose: `How a flake update is merged: ${MERGE_METHODS.join(', ')}.`,
    parse: choice(MERGE_METHODS),
    fallback: 'merge' as const,
    fallbackText: 'merge',
  }),
} satisfies Record<string, Variable<unknown>>;
