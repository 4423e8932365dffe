import type { FlakeUpdatesView } from './views/flake-update-view';

/** Maximum number of changed inputs in a view; a lock file has tens. */
export const MAX_INPUT_CHANGES = 100;

export const NO_FLAKE_UPDATES: FlakeUpdatesView = {
  source: 'none',
  repo: '',
  update: null,
  hint: null,
  fetchedAt: null,
  error: null,
};
