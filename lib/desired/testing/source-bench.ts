/** A git source with a real repository, and what tests read of its outcomes. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { createGitSource, type GitSourceOptions } from '../git-source';
import type { DesiredStateSource, FetchOutcome } from '../source';
import { createTestRepository, temporaryFolder, type TestRepository } from './repository';

/** For fetches that nobody stops. */
export const never = new AbortController().signal;
export const LOCK = '{"version": 7}\n';

/** The answer of a fetch that succeeded. Throws if it failed. */
export function answerOf(outcome: FetchOutcome) {
  if (outcome.kind === 'failed') throw new Error(outcome.message);
  return outcome.answer;
}

/** The message of a fetch that failed. Throws if it succeeded. */
export function messageOf(outcome: FetchOutcome) {
  if (outcome.kind === 'ok') throw new Error('a good answer');
  return outcome.message;
}

/** Compares a commit with the target. Throws for a source without history. */
export function relationTo(git: DesiredStateSource, target: string, commit: string) {
  if (git.compare === null) throw new Error('no ancestry');
  return git.compare(target, commit, never);
}

export interface SourceBench {
  readonly folder: string;
  readonly dataDir: string;
  readonly repository: TestRepository;
  /** The copy of the repository in the data folder. */
  readonly mirror: () => string;
  /** A source for the branch main of the repository. */
  readonly source: (options?: Partial<GitSourceOptions>) => DesiredStateSource;
}

/** An empty repository and an empty data folder for each test. */
export function useSourceBench(): SourceBench {
  let folder: ReturnType<typeof temporaryFolder>;
  let dataDir: string;
  let repository: TestRepository;

  beforeEach(() => {
    folder = temporaryFolder();
    dataDir = join(folder.path, 'data');
    mkdirSync(dataDir);
    repository = createTestRepository(folder.path);
  });
  afterEach(() => folder.remove());

  return {
    get folder() {
      return folder.path;
    },
    get dataDir() {
      return dataDir;
    },
    get repository() {
      return repository;
    },
    mirror: () => join(dataDir, 'config-mirror.git'),
    source: (options = {}) =>
      createGitSource({ repository: repository.path, branch: 'main', flakeDir: '', dataDir, ...options }),
  };
}
