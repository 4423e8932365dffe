/** Where a host's colour is written besides the dashboard: nowhere, a commit, or a pull request. */
export const COLOR_COMMIT_MODES = ['off', 'push', 'pr'] as const;
export type ColorCommitMode = (typeof COLOR_COMMIT_MODES)[number];

/** Where the reference dashboard's configuration repository keeps it. */
export const DEFAULT_COLOR_FILE = 'modules/uzumaki/theme/theme-palettes.nix';
