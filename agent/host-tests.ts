/** The tests of a host: `hosts/<name>/tests/*.sh` beside the flake, or in the root of the repository. */
import { accessSync, constants, existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { error, ok, type OperationHost, type OperationContext, type OperationEnd } from './operation';
import { judgeScripts } from './policy/judge-scripts';

/** Runs every executable script in order of name, even after a failure. Fails with exit code 1 when any failed. */
export async function runTests(host: OperationHost, context: OperationContext): Promise<OperationEnd> {
  const { shell, progress } = context;
  const commit = await host.repository.head();
  const judged = await judgeScripts(host, context, commit);
  if (!judged.ok) return judged.end;
  const root = judged.folder;
  const place = testFolder(host, root);
  const folder = join(root, place);
  const scripts = listScripts(folder);
  if (scripts.length === 0) {
    shell.say(`No executable tests in ${place}`);
    host.compartments.set('tests', 'unknown', 'no tests', commit);
    return ok('no tests');
  }
  host.compartments.begin('tests', 'Tests running...');
  const total = scripts.length;
  const failed: string[] = [];
  let done = 0;
  progress('tests', 0, total, 'in_progress');
  for (const name of scripts) {
    if (context.stopping()) break;
    shell.say(`▶ ${name} (${done + 1} of ${total})`);
    const run = await shell.run(join(folder, name), [], { cwd: root });
    if (context.stopping() && !run.ok) break;
    done++;
    if (!run.ok) failed.push(name);
    const reason =
      run.end.kind === 'exited'
        ? `exit code ${run.end.code}`
        : run.end.kind === 'signalled'
          ? run.end.signal
          : 'not started';
    shell.say(run.ok ? `✓ ${name}` : `✗ ${name} (${reason})`, run.ok ? 'stdout' : 'stderr');
    if (done < total) progress('tests', done, total, 'in_progress');
  }
  if (done < total) {
    progress('tests', done, total, 'error');
    host.compartments.set('tests', 'unknown', `Stopped after ${done} of ${total}`, commit);
    return error(1, `stopped after ${done} of ${total} tests`);
  }
  const summary = summaryOf(total, failed);
  shell.say(summary, failed.length === 0 ? 'stdout' : 'stderr');
  progress('tests', total, total, failed.length === 0 ? 'complete' : 'error');
  host.compartments.set('tests', failed.length === 0 ? 'ok' : 'error', summary, commit);
  return failed.length === 0 ? ok(summary) : error(1, summary);
}

/** What the scripts say of a system, without their output. They end when `signal` aborts. */
export interface ObservedTests {
  /** `not-run`: there may be some, but the policy refused them, or they were ended. */
  outcome: 'passed' | 'failed' | 'none' | 'not-run';
  summary: string;
}

export async function observeTests(
  host: OperationHost,
  context: Pick<OperationContext, 'shell' | 'policy'>,
  signal: AbortSignal,
): Promise<ObservedTests> {
  const { shell } = context;
  const commit = await host.repository.head();
  const judged = await judgeScripts(host, context, commit);
  if (!judged.ok) return { outcome: 'not-run', summary: `not run: ${judged.end.message}` };
  const root = judged.folder;
  const folder = join(root, testFolder(host, root));
  const scripts = listScripts(folder);
  if (scripts.length === 0) return { outcome: 'none', summary: 'no tests' };
  const failed: string[] = [];
  for (const name of scripts) {
    const run = await shell.run(join(folder, name), [], { quiet: true, signal, cwd: root });
    if (signal.aborted) return { outcome: 'not-run', summary: 'not finished' };
    if (!run.ok) failed.push(name);
  }
  const summary = summaryOf(scripts.length, failed);
  host.compartments.set('tests', failed.length === 0 ? 'ok' : 'error', summary, commit);
  return { outcome: failed.length === 0 ? 'passed' : 'failed', summary };
}

function summaryOf(total: number, failed: readonly string[]): string {
  return failed.length === 0
    ? `All tests passed (${total})`
    : `${failed.length} of ${total} tests failed: ${failed.join(', ')}`;
}

/** The first that exists, from the root of the repository. The folder may have the case of the machine's name. */
function testFolder({ config }: OperationHost, root: string): string {
  const names = config.machineName === '' ? [config.hostname] : [config.hostname, config.machineName];
  const places = [config.flakeDir, ''].flatMap((base) => names.map((name) => join(base, 'hosts', name, 'tests')));
  return places.find((place) => existsSync(join(root, place))) ?? join('hosts', config.hostname, 'tests');
}

function listScripts(folder: string): string[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return [];
  }
  return names
    .filter((name) => name.endsWith('.sh') && !name.startsWith('.') && isExecutableFile(join(folder, name)))
    .sort((a, b) => (a < b ? -1 : 1));
}

function isExecutableFile(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
