/** What each operation does on the host. Names and texts follow the Go agent (docs/protocol.md) where it is right. */
import { basename } from 'node:path';
import type { CompartmentReport } from './compartments';
import { AGENT_VERSION } from './facts';
import { NIX_FEATURES } from './flake';
import { isHomeComplete } from './home/switch-home';
import { runTests } from './host-tests';
import { findOnPath } from './machine';
import { killedFirst } from './oom-score';
import {
  error,
  ok,
  shortCommit,
  type OperationHost,
  type AgentOperation,
  type OperationContext,
  type OperationEnd,
} from './operation';
import { concludeGeneration, switchGeneration } from './nixos/switch-generation';
import { prepareBoot } from './nixos/switch-system';
import { readSystem, runs, specialisationsOf } from './nixos/system-facts';
import { judgeCommit } from './policy/judge-commit';
import { judgeConfirmation, judgeSwitch } from './policy/judge-switch';
import { refusedEnd } from './policy/refusal';
import { PULL_STEPS } from './repository';
import { activated, rebuild, withoutFinalEnd, type FinalEnd, type RebuildEnd } from './rebuild';
import { resumeActivation } from './nixos/activation';
import { resumeConfirmedSwitch } from './nixos/confirmed/confirmed-switch';
import type { ActivationRecord } from './nixos/activation-record';
import type { RootHelper } from './nixos/root-helper';
import { concludeRollback, runRollback } from './rollback';
import { exitCodeOf, failureOf, type Shell } from './shell';
import type { WireCommand } from '@/lib/protocol/agent/wire-commands';

const SYSTEM_STEPS = 3;
const REFRESH_SYSTEM_TIMEOUT_MS = 60_000;
const VERSION_TIMEOUT_MS = 20_000;

/** The commands that take the host's one place. The others act on what runs: the runner has them. */
type OperationName = Exclude<WireCommand, 'stop' | 'restart' | 'reboot'>;

export function createOperations(host: OperationHost): ReadonlyMap<string, AgentOperation> {
  const operations: Readonly<Record<OperationName, AgentOperation>> = {
    pull: (context) => pull(host, context),
    switch: (context) => switchSystem(host, context, 'Switch'),
    'pull-switch': (context) => pullSwitch(host, context),
    test: (context) => runTests(host, context),
    rollback: (context) => runRollback(host, context),
    update: (context) => update(host, context),
    'force-update': (context) => forceUpdate(host, context),
    boot: (context) => switchAtBoot(host, context),
    'switch-generation': (context) => switchGeneration(host, context),
    'refresh-git': ({ shell }) => refreshGit(shell),
    'refresh-lock': ({ shell }) => refreshLock(host, shell),
    'refresh-system': ({ shell }) => refreshSystem(host, shell),
    'refresh-all': (context) => refreshAll(host, context),
    'check-version': ({ shell }) => checkVersion(host, shell),
  };
  return new Map(Object.entries(operations));
}

/** Goes on with the activation of an earlier process, and concludes from its end what that one would have. */
export async function resumeOperation(
  host: OperationHost,
  context: OperationContext,
  helper: RootHelper,
  record: ActivationRecord,
): Promise<OperationEnd> {
  const { purpose, commit } = record;
  host.compartments.begin('system', 'In progress...');
  const { confirm } = record;
  const end =
    confirm === null
      ? await resumeActivation(host, context, helper, record)
      : await resumeConfirmedSwitch(host, context, helper, { ...record, confirm });
  if (end.kind === 'rolled-back' || end.kind === 'handover' || end.kind === 'refused')
    return withoutFinalEnd(host, context, end, commit);
  switch (purpose) {
    case 'switch':
    case 'pull-switch': {
      const title = purpose === 'switch' ? 'Switch' : 'Pull+Switch';
      // This process began after the switch did: whether it is still the right one, it checks when it is idle.
      return { ...(await concludeSwitch(host, context, end, commit, title)), switched: false };
    }
    case 'force-update':
      return concludeForceUpdate(host, context, end, commit);
    case 'boot':
      return concludeBoot(host, context, end, commit);
    case 'rollback':
      return concludeRollback(host, context, end, commit);
    case 'switch-generation':
      return concludeGeneration(host, context, end, record);
  }
}

async function pull(host: OperationHost, { shell, progress }: OperationContext): Promise<OperationEnd> {
  const { repository, compartments } = host;
  const before = await repository.head();
  let done = 0;
  progress('pull', 0, PULL_STEPS, 'in_progress');
  const outcome = await repository.pull(shell, (step) => {
    done = step;
    if (step < PULL_STEPS) progress('pull', step, PULL_STEPS, 'in_progress');
  });
  const after = await repository.head();
  const lock = await host.refreshLock();
  if (!outcome.ok) {
    progress('pull', done, PULL_STEPS, 'error');
    return error(1, outcome.message);
  }
  progress('pull', PULL_STEPS, PULL_STEPS, 'complete');
  if (before !== '' && before !== after) compartments.set('system', 'outdated', 'Pulled: rebuild needed', after);
  shell.say(
    before === after
      ? `✅ Pull complete: already at ${shortCommit(after)}`
      : `✅ Pull complete: ${before === '' ? '' : `${shortCommit(before)} → `}${shortCommit(after)}`,
  );
  sayReport(shell, 'Lock', lock);
  return ok();
}

async function switchSystem(
  host: OperationHost,
  context: OperationContext,
  title: 'Switch' | 'Pull+Switch',
): Promise<OperationEnd> {
  const { progress } = context;
  const { compartments, repository } = host;
  const commit = await repository.head();
  if (commit === '') return error(1, `${repository.dir} holds no repository yet: run Pull first`);
  const judged = await judgeSwitch(host, context, commit);
  if (!judged.ok) return refusedEnd(judged.refusal);
  compartments.begin('system', `${title} in progress...`);
  progress('system', 0, SYSTEM_STEPS, 'in_progress');
  const purpose = title === 'Switch' ? 'switch' : 'pull-switch';
  const rebuilt = await rebuild(host, context, { purpose, commit, flake: judged.flake });
  return concludeSwitch(host, context, rebuilt, commit, title);
}

/** What follows from the end of a switch: the compartments, and the end of the operation. */
export async function concludeSwitch(
  host: OperationHost,
  context: OperationContext,
  rebuilt: RebuildEnd,
  commit: string,
  title: string,
): Promise<OperationEnd> {
  const { shell, progress } = context;
  const { compartments } = host;
  const { settle } = rebuilt;
  if (rebuilt.kind === 'rolled-back' || rebuilt.kind === 'refused') progress('system', 0, SYSTEM_STEPS, 'error');
  if (rebuilt.kind === 'rolled-back' || rebuilt.kind === 'handover' || rebuilt.kind === 'refused')
    return withoutFinalEnd(host, context, rebuilt, commit);
  if (rebuilt.kind === 'failed') {
    progress('system', 0, SYSTEM_STEPS, 'error');
    compartments.set(
      'system',
      context.stopping() ? 'unknown' : 'error',
      context.stopping() ? `${title} was stopped` : rebuilt.failure,
      commit,
    );
    return { ...error(rebuilt.exitCode, rebuilt.failure), settle };
  }
  progress('system', SYSTEM_STEPS, SYSTEM_STEPS, 'complete');
  const end = activated(rebuilt, 'Switched');
  const isActive = rebuilt.kind !== 'deferred';
  compartments.set('system', isActive ? 'ok' : 'outdated', end.message || `${title} successful (exit 0)`, commit);
  if (rebuilt.kind === 'done' || rebuilt.kind === 'partial')
    compartments.set('tests', 'outdated', 'Tests not run — run Test to verify system', commit);
  shell.say('');
  if (end.status === 'ok') shell.say(`✅ ${title} completed: the system is built from ${shortCommit(commit)}`);
  else shell.say(`⚠️ ${end.message}. The system is built from ${shortCommit(commit)}`, 'stderr');
  sayReport(shell, 'Lock', await host.refreshLock());
  const hasNewSystem = rebuilt.kind === 'done' || rebuilt.kind === 'partial';
  const switched = host.config.hostType === 'nixos' && hasNewSystem && rebuilt.agentIsNew !== true;
  return { ...end, switched, settle };
}

/** Builds the pulled configuration and makes it the boot default. */
async function switchAtBoot(host: OperationHost, context: OperationContext): Promise<OperationEnd> {
  const { repository } = host;
  const helper = host.rootHelper();
  if (helper === null)
    return error(1, 'nixfleet-root is not installed: it comes with the NixOS module of this version');
  const commit = await repository.head();
  if (commit === '') return error(1, `${repository.dir} holds no repository yet: run Pull first`);
  const judged = await judgeCommit(host, context, commit);
  if (!judged.ok) return refusedEnd(judged.refusal);
  const { flake } = judged;
  return concludeBoot(host, context, await prepareBoot(host, context, helper, { commit, flake }), commit);
}

function concludeBoot(
  host: OperationHost,
  { shell, stopping }: OperationContext,
  end: FinalEnd,
  commit: string,
): OperationEnd {
  const { settle } = end;
  if (end.kind === 'failed') {
    if (!stopping()) host.compartments.set('system', 'error', end.failure, commit);
    return { ...error(end.exitCode, end.failure), settle };
  }
  if (end.kind === 'unchanged') return { ...ok('Nothing to do: this system is already the boot default'), settle };
  const runsAlready = isRunning(host);
  if (!runsAlready) host.compartments.set('system', 'outdated', 'Takes effect at the next boot', commit);
  shell.say('✅ The boot default is set');
  return { ...ok(runsAlready ? '' : 'Takes effect at the next boot'), settle };
}

async function pullSwitch(host: OperationHost, context: OperationContext): Promise<OperationEnd> {
  const refusal = judgeConfirmation(host, context);
  if (refusal !== null) return refusedEnd(refusal);
  const pulled = await pull(host, context);
  return pulled.status === 'ok' ? switchSystem(host, context, 'Pull+Switch') : pulled;
}

async function update(host: OperationHost, { shell }: OperationContext): Promise<OperationEnd> {
  const run = await shell.run('nix', [...NIX_FEATURES, 'flake', 'update'], { cwd: host.flake.folder });
  await host.refreshLock();
  if (!run.ok) return error(exitCodeOf(run.end), failureOf('nix flake update', run));
  if (host.repository.isolated) shell.say('The new flake.lock is not committed: the next Pull reverts it.', 'stderr');
  return ok();
}

async function forceUpdate(host: OperationHost, context: OperationContext): Promise<OperationEnd> {
  const { shell } = context;
  const refusal = judgeConfirmation(host, context);
  if (refusal !== null) return refusedEnd(refusal);
  shell.say('Step 1 of 3: pull');
  const pulled = await pull(host, context);
  if (pulled.status !== 'ok') return error(1, `git pull failed: ${pulled.message}`);
  shell.say('Step 2 of 3: nix flake update nixfleet');
  const updated = await shell.run('nix', [...NIX_FEATURES, 'flake', 'update', 'nixfleet'], { cwd: host.flake.folder });
  if (!updated.ok) return error(1, `nix flake update failed: ${failureOf('nix', updated)}`);
  shell.say('Step 3 of 3: rebuild without the negative cache');
  const commit = await host.repository.head();
  host.compartments.begin('system', 'Force update in progress...');
  const extra = ['--option', 'narinfo-cache-negative-ttl', '0'];
  const rebuilt = await rebuild(host, context, { purpose: 'force-update', commit, flake: host.flake, extra });
  return concludeForceUpdate(host, context, rebuilt, commit);
}

export async function concludeForceUpdate(
  host: OperationHost,
  context: OperationContext,
  rebuilt: RebuildEnd,
  commit: string,
): Promise<OperationEnd> {
  const { settle } = rebuilt;
  await host.refreshLock();
  if (rebuilt.kind === 'rolled-back' || rebuilt.kind === 'handover' || rebuilt.kind === 'refused')
    return withoutFinalEnd(host, context, rebuilt, commit);
  if (rebuilt.kind === 'failed') {
    host.compartments.set('system', context.stopping() ? 'unknown' : 'error', 'Force update did not complete', commit);
    return { ...error(1, `rebuild failed: ${rebuilt.failure}`), settle };
  }
  const end = activated(rebuilt, 'Force update complete');
  const isActive = rebuilt.kind !== 'deferred';
  host.compartments.set(
    'system',
    isActive ? 'ok' : 'outdated',
    end.message || 'Force update successful (exit 0)',
    commit,
  );
  if (rebuilt.kind === 'done' || rebuilt.kind === 'partial')
    host.compartments.set('tests', 'outdated', 'Tests not run — run Test to verify system', commit);
  return { ...(end.status === 'ok' ? ok('force update complete') : end), settle };
}

function refreshGit(shell: Shell): Promise<OperationEnd> {
  shell.say('Git status is checked by the dashboard');
  return Promise.resolve(ok('git status check is dashboard-side'));
}

async function refreshLock(host: OperationHost, shell: Shell): Promise<OperationEnd> {
  const lock = await host.refreshLock();
  sayReport(shell, 'Lock', lock);
  return ok(lock.status);
}

/** Compares what the configuration would build with what runs. Nothing is built. */
async function refreshSystem(host: OperationHost, shell: Shell): Promise<OperationEnd> {
  const { config, flake, repository, compartments, env } = host;
  const commit = await repository.head();
  const attribute = JSON.stringify(await flake.attribute(shell));
  const output = config.hostType === 'nixos' ? 'config.system.build.toplevel' : 'activationPackage';
  const system = flake.installable(`${flake.outputs}.${attribute}.${output}`);
  const args = [...NIX_FEATURES, 'build', '--dry-run', '--json', '--no-link', system];
  const nix = killedFirst('nix', args, env['PATH'] ?? '');
  const run = await shell.run(nix.program, nix.args, { timeoutMs: REFRESH_SYSTEM_TIMEOUT_MS });
  const [status, message] = judge();
  compartments.set('system', status, message, commit);
  sayReport(shell, 'System', compartments.get('system', commit));
  return ok(status);

  function judge(): [CompartmentReport['status'], string] {
    if (!run.ok) return ['error', failureOf('nix build --dry-run', run)];
    // With --json, stdout is one line of JSON with the paths.
    const wanted = /"out"\s*:\s*"([^"]+)"/.exec(run.stdout.join(''))?.[1];
    if (wanted === undefined) return ['error', 'nix build --dry-run did not print the path of the system'];
    const isComplete = config.hostType === 'nixos' || isHomeComplete(host);
    if (isComplete === null) return ['unknown', 'It is not known whether the current generation is active as a whole'];
    if (!isComplete) return ['error', 'The activation of the current generation failed: switch again, or roll back'];
    const { running } = readSystem(config);
    if (running === '') return ['unknown', `${config.systemLink} can't be read, so the running system is unknown`];
    if (running === wanted) return ['ok', 'The running system is what the configuration builds'];
    const specialisation = specialisationsOf(wanted).get(running);
    return specialisation === undefined
      ? ['outdated', 'The configuration builds another system: rebuild needed']
      : ['ok', `The specialisation ${specialisation} of what the configuration builds runs`];
  }
}

async function refreshAll(host: OperationHost, { shell }: OperationContext): Promise<OperationEnd> {
  await refreshGit(shell);
  // Not the system: many hosts at once would each evaluate their configuration for a minute.
  await refreshLock(host, shell);
  return ok('all refreshed');
}

/** Compares the installed version with the running one: they differ after a rebuild that did not restart the agent. */
async function checkVersion(host: OperationHost, shell: Shell): Promise<OperationEnd> {
  const installed = findOnPath('nixfleet-agent', host.env['PATH'] ?? '');
  const run = await (installed === null
    ? shell.run(process.execPath, [host.program, '--version'], { timeoutMs: VERSION_TIMEOUT_MS })
    : shell.run(installed, ['--version'], { timeoutMs: VERSION_TIMEOUT_MS }));
  const version = /\d{1,9}\.\d{1,9}\.\d{1,9}[0-9A-Za-z.+-]*|dev/.exec(run.stdout.join(' '))?.[0];
  if (!run.ok || version === undefined)
    return error(
      1,
      `the installed agent did not print its version: ${failureOf(basename(installed ?? host.program), run)}`,
    );
  const summary = `running=${AGENT_VERSION} installed=${version}`;
  shell.say(summary);
  return version === AGENT_VERSION ? ok(summary) : { status: 'warning', exitCode: 0, message: `mismatch: ${summary}` };
}

/** Whether the boot default runs, or a specialisation of it. */
function isRunning({ config }: OperationHost): boolean {
  const { running, profile } = readSystem(config);
  return runs(running, profile);
}

const SIGNS: Record<CompartmentReport['status'], string> = {
  ok: '🟢',
  outdated: '🟡',
  error: '🔴',
  working: '🔵',
  unknown: '⚪',
  '': '⚪',
};

function sayReport(shell: Shell, name: string, report: CompartmentReport): void {
  shell.say(`${SIGNS[report.status]} ${name}: ${report.message || 'unknown'}`);
}
