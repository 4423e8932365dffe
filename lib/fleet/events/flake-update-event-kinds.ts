/** Events of flake updates: merged, or why not. */
import { z } from 'zod';
import { eventKind } from './event-kind';

/** The pull request. `title`: empty when it is not known. `forge`: its name, as in sentences. */
const update = z.object({ number: z.number(), title: z.string(), repo: z.string(), forge: z.string() });
const nameOf = ({ number, title, repo, forge }: z.infer<typeof update>) =>
  `Flake update #${number}${title === '' ? '' : ` (${title})`} of ${repo} at ${forge}`;

/** `reason`: the answer of `FlakeUpdates.merge`. */
const notMerged = update.extend({ reason: z.string() });

export const FLAKE_UPDATE_EVENT_KINDS = {
  /** `commit`: empty when the forge does not report it. */
  'update.merged': eventKind({
    params: update.extend({ commit: z.string() }),
    chain: 'main',
    category: 'fleet',
    level: 'success',
    outcome: 'merged',
    sentence: (params) =>
      `${nameOf(params)} was merged${params.commit === '' ? '' : ` as ${params.commit.slice(0, 7)}`}.`,
  }),
  'update.refused': eventKind({
    params: notMerged,
    chain: 'main',
    category: 'fleet',
    level: 'warning',
    outcome: 'refused',
    sentence: (params) => `${nameOf(params)} was not merged: ${params.reason}`,
  }),
  'update.failed': eventKind({
    params: notMerged,
    chain: 'main',
    category: 'fleet',
    level: 'error',
    outcome: 'failed',
    sentence: (params) => `${nameOf(params)} was not merged: ${params.reason}`,
  }),
};
