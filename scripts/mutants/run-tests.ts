/** Runs test files in a folder and says how they ended. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/** A single test or hook that takes longer counts as one that hangs. */
const TEST_TIMEOUT_MS = 45_000;
const REPORT = 'mutants-report.json';

export type Outcome =
  | { kind: 'passed' }
  /** `test`: the first test that failed. */
  | { kind: 'failed'; test: string }
  /** A test, or the whole run, reached its time limit. */
  | { kind: 'hung'; test: string };

const reportSchema = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      assertionResults: z.array(
        z.object({ fullName: z.string(), status: z.string(), failureMessages: z.array(z.string()).nullish() }),
      ),
    }),
  ),
});

const running = new Set<ChildProcess>();

/** Ends all runs. */
export function endRuns(): void {
  for (const child of running) endGroup(child);
}

export interface RunLimits {
  /** Test files that run at the same time. */
  workers: number;
  /** Time for the whole run. */
  timeoutMs: number;
}

export async function runTests(
  folder: string,
  tests: readonly string[],
  { workers, timeoutMs }: RunLimits,
): Promise<Outcome> {
  const report = join(folder, REPORT);
  rmSync(report, { force: true });
  const limits = [`--testTimeout=${TEST_TIMEOUT_MS}`, `--hookTimeout=${TEST_TIMEOUT_MS}`, `--maxWorkers=${workers}`];
  const output = ['--reporter=json', `--outputFile.json=${REPORT}`, '--bail=1'];
  const args = ['node_modules/vitest/vitest.mjs', 'run', ...tests, ...limits, ...output];
  const ended = await runNode(folder, args, timeoutMs);
  if (ended === 'late') return { kind: 'hung', test: 'the whole run' };
  if (ended === 0) return { kind: 'passed' };
  const failed = existsSync(report) ? firstFailure(reportSchema.parse(JSON.parse(readFileSync(report, 'utf8')))) : null;
  return failed ?? { kind: 'failed', test: 'an error outside of the tests' };
}

function firstFailure({ testResults }: z.infer<typeof reportSchema>): Outcome | null {
  for (const { assertionResults } of testResults) {
    for (const { fullName, status, failureMessages } of assertionResults) {
      if (status !== 'failed') continue;
      // Vitest's report of a test that reached its time limit has only the stack of its definition.
      const isLate = (failureMessages ?? []).some((message) => /STACK_TRACE_ERROR|timed out/.test(message));
      return { kind: isLate ? 'hung' : 'failed', test: fullName };
    }
  }
  const file = testResults.find(({ status }) => status === 'failed');
  return file ? { kind: 'failed', test: `the file ${file.name}` } : null;
}

/** The exit code, or `late` when the run was ended at its time limit. */
function runNode(cwd: string, args: readonly string[], timeoutMs: number): Promise<number | 'late'> {
  const env = { ...process.env };
  Reflect.deleteProperty(env, 'NODE_ENV');
  return new Promise((resolve, reject) => {
    // In a separate group, so that its workers can be ended with it.
    const child = spawn(process.execPath, args, { cwd, env, stdio: 'ignore', detached: true });
    running.add(child);
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      endGroup(child);
    }, timeoutMs);
    child.on('error', reject);
    child.on('exit', (code) => {
      clearTimeout(timer);
      running.delete(child);
      resolve(isLate ? 'late' : (code ?? 1));
    });
  });
}

function endGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}
