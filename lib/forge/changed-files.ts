/** The files that pull requests change, read once for each head commit: every request counts against a rate limit. */
import type { ChangedFile, Forge, ForgeResult, PullRequest } from './forge';

export interface ChangedFiles {
  files: readonly ChangedFile[];
  isComplete: boolean;
}

export type ChangedFilesMemory = ReturnType<typeof createChangedFiles>;

export function createChangedFiles(forge: Forge) {
  let known = new Map<string, ChangedFiles>();
  const keyOf = ({ number, headSha, base }: PullRequest) => `${number} ${headSha} ${base}`;

  return {
    knows: (pull: PullRequest): boolean => known.has(keyOf(pull)),
    async of(pull: PullRequest, signal: AbortSignal): Promise<ForgeResult<ChangedFiles>> {
      const kept = known.get(keyOf(pull));
      if (kept !== undefined) return { ok: true, value: kept };
      const answer = await forge.changedFiles(pull.number, signal);
      if (answer.ok) known.set(keyOf(pull), answer.value);
      return answer;
    },
    /** Forgets all others: what is kept is limited by the number of open pull requests that are read. */
    keepOnly(pulls: readonly PullRequest[]): void {
      const keys = new Set(pulls.map(keyOf));
      known = new Map([...known].filter(([key]) => keys.has(key)));
    },
  };
}
