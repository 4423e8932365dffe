/** Variables of colours that are written into the configuration repository. */
import { COLOR_COMMIT_MODES, DEFAULT_COLOR_FILE } from '@/lib/forge/theme/theme-mode';
import { choice, orFallback, repositoryFile, text } from '../parsers';
import { optional, variable, type Variable } from './variable';

export const COLOR_COMMIT_VARIABLES = {
  colorCommitMode: variable({
    name: 'NIXFLEET_COLOR_COMMIT_MODE',
    prose:
      "Whether a host's colour is also written into the configuration repository: `off`, `push` (a commit on the branch) " +
      'or `pr` (a pull request).',
    parse: orFallback(choice(COLOR_COMMIT_MODES), 'off', 'off'),
    fallback: 'off' as const,
    fallbackText: 'off',
  }),
  colorFile: variable({
    name: 'NIXFLEET_COLOR_FILE',
    prose: 'The Nix file that the colour is written into, with the sets `palettes` and `hostPalette`.',
    parse: repositoryFile,
    fallback: DEFAULT_COLOR_FILE,
    fallbackText: `\`${DEFAULT_COLOR_FILE}\``,
  }),
  nixcfgPath: variable({
    name: 'NIXFLEET_NIXCFG_PATH',
    prose: 'Folder of the clone for writing colours. The dashboard creates and updates it; nobody else should.',
    parse: optional(text),
    fallback: null,
    fallbackText: 'nixcfg in the data folder',
  }),
} satisfies Record<string, Variable<unknown>>;
