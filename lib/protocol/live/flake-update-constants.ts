import type { FlakeUpdatesView } from './views/flake-update-view';

/** Changed inputs that are shown; a lock file has tens. */
export const MAX_INPUT_CHANGES = 100;

export const NO_FLAKE_UPDATES: FlakeUpdatesView = {
  source: 'none',
  repo: '',
  update: null,
  hint: null,
  fetchedAt: null,
  error: null,
};
