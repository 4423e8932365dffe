/** Composes the agent: one connection, one outbox, one command runner. */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { createOutbox, type OutboxEntry } from '@/lib/outbox/outbox';
import { loadCommandMemory } from './command-memory';
import { createCompartments, wireReport } from './compartments';
import type { AgentConfig } from './config';
import { createDashboardConnection, type RegisterFrame } from './connection';
import { AGENT_VERSION, readProgramFacts, readNixpkgsVersion } from './facts';
import { createFlake } from './flake';
import { createLockHash, describeLockAge, lockChanged } from './lock';
import type { AgentLog } from './log';
import { hostsDashboard } from './hosts-dashboard';
import { createMetricsReader } from './metrics';
import { shortCommit, type OperationHost } from './operation';
import { createGenerationsReader } from './nixos/generations';
import { forgetRestart, otherAgentInstalled, readUnit, restartsFor, unitFile } from './nixos/installed-agent';
import { createBuildCgroup } from './nixos/build-cgroup';
import { createConfirmationLink } from './nixos/confirmed/confirmation-link';
import { tidyUpFound } from './nixos/confirmed/confirmed-ends';
import { readActivation } from './nixos/activation-record';
import { createRootHelper, type RootHelper } from './nixos/root-helper';
import { createOperations, resumeOperation } from './operations';
import type { Child } from './process';
import { policyReport } from './policy/policy-report';
import { readPolicy, type PolicyState } from './policy/policy-file';
import type { Redact } from './redact';
import { createReports } from './reports';
import { rebootHost } from './reboot-host';
import { createRepository } from './repository';
import { createCommandRunner, EXIT_SWITCHED } from './runner';
import { createShell } from './shell';
import type { TokenSource } from './token';
import { isUserService, lingeringProblem } from './user-service';
import { lockFileIn } from '@/lib/git/flake-folder';
import { AGENT_CAPABILITIES, ROOT_HELPER_CAPABILITIES } from '@/lib/protocol/agent/capabilities';
import { PROTOCOL_WITH_IDS } from '@/lib/protocol/agent/generations';
import type { AgentFrameInput } from '@/lib/protocol/agent/from-agent';
import { LOCK_CHANGED } from '@/lib/protocol/agent/lock-hash';
import { MAX_BATCH_LINES } from '@/lib/protocol/agent/frame-limits';

/** How long a planned exit waits for the acknowledgement of the last result. */
const ACK_TIMEOUT_MS = 5_000;
/** How long the first connection waits for the first clone. A slower clone continues in the background. */
const FIRST_CLONE_WAIT_MS = 15_000;
/** Lines of a burst are sent in one frame. */
const OUTPUT_BATCH_DELAY_MS = 20;
const LOCK_CHECK_INTERVAL_MS = 5 * 60_000;
/** How often changes of the generations and of the policy are noticed that no operation made. */
const REPORTS_CHECK_INTERVAL_MS = 60_000;
/** How often an idle agent looks whether its unit names another one. */
const PROGRAM_CHECK_INTERVAL_MS = 60_000;

export interface AgentOptions {
  config: AgentConfig;
  tokens: TokenSource;
  /** The environment of every child. */
  env: NodeJS.ProcessEnv;
  /** Path of the running program. */
  program: string;
  log: AgentLog;
  redact: Redact;
}

export interface Agent {
  /** Runs until the agent ends; gives the exit code. */
  run: () => Promise<number>;
  /** Ends the running command and the connection; `run` then gives 0. */
  shutDown: () => void;
}

export function createAgent({ config, tokens, env, program, log, redact }: AgentOptions): Agent {
  const instance = randomUUID();
  const facts = readProgramFacts(program);
  const cwd = (): string => (config.repoDir !== '' && existsSync(config.repoDir) ? config.repoDir : '/');
  const background = new Set<Child>();
  const lifetime = new AbortController();
  const lockFile = lockFileIn(config.flakeDir);
  const backgroundShell = createShell({
    cwd,
    env,
    say: (line) => log.info(line),
    redact,
    onStart(child) {
      background.add(child);
      void child.end.then(() => background.delete(child));
    },
  });
  const repository = createRepository({
    ...config,
    url: config.repoUrl,
    dir: config.repoDir,
    lockFile,
    env,
    signal: lifetime.signal,
  });
  const flake = createFlake({ config, log });
  const compartments = createCompartments({ stateDir: config.stateDir, log, now: () => new Date(), redact });
  const lockHash = createLockHash(repository, lockFile);
  const metrics = createMetricsReader({
    platform: process.platform,
    stasysmoDir: process.platform === 'darwin' ? '/tmp/stasysmo' : '/dev/shm/stasysmo',
    procDir: '/proc',
  });
  const timers: NodeJS.Timeout[] = [];
  let heartbeats: NodeJS.Timeout | null = null;
  let preparingHeartbeat = false;
  let heartbeatRequested = false;
  let ending = false;
  let resolveExit: (code: number) => void = () => undefined;
  const exited = new Promise<number>((resolve) => {
    resolveExit = resolve;
  });

  const userService = isUserService();
  const lingering = userService ? lingeringProblem() : null;
  if (lingering !== null) log.warn(lingering);
  const home = env['HOME'] ?? homedir();
  const unit = unitFile({ ...config, isUserService: userService, home, configHome: env['XDG_CONFIG_HOME'] ?? '' });
  const installedHelper = config.rootHelper === '' ? null : createRootHelper(config.rootHelper);
  let rootHelper: RootHelper | null = null;
  const limited = config.buildMemory === '' ? null : createBuildCgroup({ memory: config.buildMemory });
  if (limited !== null && 'problem' in limited) log.warn(`build memory is not limited: ${limited.problem}`);
  const host: OperationHost = {
    rootHelper: () => rootHelper,
    confirmations: {
      report: (confirmation) => confirmations.report(confirmation),
      ended: () => confirmations.ended(),
      awaitAnswer: (...args) => confirmations.awaitAnswer(...args),
    },
    buildCgroup: limited !== null && 'wrap' in limited ? limited : null,
    config,
    repository,
    flake,
    compartments,
    env,
    program,
    unit,
    unitAtStart: readUnit(unit),
    async refreshLock() {
      const report =
        (await lockHash()) === LOCK_CHANGED
          ? lockChanged(new Date())
          : describeLockAge(await repository.lockCommittedAt(), new Date());
      compartments.setLock(report);
      return report;
    },
  };
  const connection = createDashboardConnection({
    url: config.url,
    token: tokens.get,
    onTokenRefused: tokens.refused,
    userAgent: `nixfleet-agent/${AGENT_VERSION}`,
    log,
    register,
    onRegistered(_payload, first) {
      if (first) {
        generations.connected();
        policies.connected();
        outbox.resendAll();
        runner.repeatProgress();
        if (heartbeats !== null) clearInterval(heartbeats);
        heartbeats = setInterval(() => void heartbeat(), config.intervalS * 1_000);
      }
      void heartbeat();
      if (first) confirmations.registered();
    },
    onFrame(frame) {
      if (frame.type === 'command') runner.command(frame.payload);
      else if (frame.type === 'kill_command') runner.kill(frame.payload);
      else if (frame.type === 'confirm') confirmations.answered(frame.payload);
      else outbox.acknowledge(frame.payload.command_id, frame.payload.output_seq, frame.payload.result === true);
    },
    onDrain: () => outbox.pump(),
  });
  const readGenerations = createGenerationsReader(config);
  const generations = createReports(
    () => (rootHelper === null ? null : readGenerations()),
    (payload) => connection.send({ type: 'system_generations', payload }),
  );
  const confirmations = createConfirmationLink({ ...connection, redact });
  const outbox = createOutbox({
    memory: loadCommandMemory({ stateDir: config.stateDir, log }),
    maxBatchLines: MAX_BATCH_LINES,
    batchDelayMs: OUTPUT_BATCH_DELAY_MS,
    link: { ready: connection.ready, withIds: connection.withIds, accepts: connection.accepts, send: connection.send },
    onResultSent() {
      generations.check();
      policies.check();
      void heartbeat();
    },
  });
  const policy = (): PolicyState => readPolicy(config.policyFile, [config.stateDir, config.repoDir]);
  const policies = createReports(
    () => policyReport(policy()),
    (payload) => connection.send({ type: 'host_policy', payload }),
  );
  const runner = createCommandRunner({
    operations: createOperations(host),
    hostType: config.hostType,
    outbox,
    log,
    send: connection.send,
    withIds: connection.withIds,
    generation: async () => shortCommit(await repository.head()),
    policy,
    redact,
    env,
    cwd,
    rebootHost: (shell) => rebootHost(shell, rootHelper),
    exit: (code, entry) => void end(code, entry),
  });

  async function register(): Promise<RegisterFrame> {
    const generation = shortCommit(await repository.head());
    const running = runner.running();
    return {
      type: 'register',
      payload: {
        hostname: config.hostname,
        host_type: config.hostType,
        agent_version: AGENT_VERSION,
        os_version: facts.osVersion,
        nixpkgs_version: readNixpkgsVersion(config),
        generation,
        theme_color: config.themeColor,
        heartbeat_interval: config.intervalS,
        location: config.location,
        device_type: config.deviceType,
        repo_url: repository.url,
        repo_dir: config.repoDir,
        ...programFacts(),
        protocol: PROTOCOL_WITH_IDS,
        instance,
        running: running?.id == null ? null : { command_id: running.id },
        finished: outbox.finished(),
        ...(hostsDashboard(config.systemLink) ? { hosts_dashboard: true } : {}),
        capabilities: rootHelper === null ? AGENT_CAPABILITIES : [...AGENT_CAPABILITIES, ...ROOT_HELPER_CAPABILITIES],
      },
    };
  }

  /** Unknown facts are omitted: an empty value would mean that there is none. */
  function programFacts(): { source_commit?: string; store_path?: string; binary_hash?: string } {
    return {
      ...(facts.sourceCommit === '' ? {} : { source_commit: facts.sourceCommit }),
      ...(facts.storePath === '' ? {} : { store_path: facts.storePath }),
      ...(facts.binaryHash === '' ? {} : { binary_hash: facts.binaryHash }),
    };
  }

  /** Sends one heartbeat. A heartbeat requested while one is being prepared follows it, so that the last one is fresh. */
  async function heartbeat(): Promise<void> {
    heartbeatRequested = preparingHeartbeat;
    if (preparingHeartbeat) return;
    preparingHeartbeat = true;
    try {
      const [commit, hash, figures] = await Promise.all([repository.head(), lockHash(), metrics()]);
      const running = runner.running();
      const frame: AgentFrameInput = {
        type: 'heartbeat',
        payload: {
          generation: shortCommit(commit),
          nixpkgs_version: readNixpkgsVersion(config),
          pending_command: running?.command ?? null,
          command_pid: running?.pid ?? null,
          ...(running?.id == null || !connection.withIds() ? {} : { command_id: running.id }),
          metrics: figures,
          update_status: {
            git: { status: '', message: '', checked_at: '' },
            lock: wireReport(compartments.lock()),
            system: wireReport(compartments.get('system', commit)),
            tests: wireReport(compartments.get('tests', commit)),
          },
          ...programFacts(),
          ...(hash === '' ? {} : { lock_hash: hash }),
        },
      };
      connection.send(frame);
    } catch (error) {
      log.error(`could not prepare a heartbeat: ${error instanceof Error ? error.message : 'unknown reason'}`);
    } finally {
      preparingHeartbeat = false;
    }
    if (heartbeatRequested) await heartbeat();
  }

  /** Finds out whether systems are activated by nixfleet-root, and goes on with what an earlier process began. */
  async function prepareActivation(): Promise<void> {
    if (installedHelper === null) return;
    const problem = await installedHelper.problem(backgroundShell);
    if (problem === null) rootHelper = installedHelper;
    else log.warn(`switches use nixos-rebuild; if one restarts the agent, its result may be lost: ${redact(problem)}`);
    const record = readActivation(config.stateDir);
    if (record === null) return;
    const isRunning = runner.resume(record.commandId, record.command, record.lastSeq, (context) =>
      resumeOperation(host, context, installedHelper, record),
    );
    if (isRunning) return;
    await tidyUpFound(config.stateDir, backgroundShell, installedHelper, record);
  }

  /** After a switch by hand, or going back: the service manager starts the agent of the running system. */
  function restartIfReplaced(): void {
    const { unitAtStart } = host;
    const other = unit === null ? null : otherAgentInstalled({ unit, program, unitAtStart, stateDir: config.stateDir });
    if (other === null || runner.running() !== null || ending) return;
    try {
      restartsFor(config.stateDir, other);
    } catch (error) {
      log.error(`${config.stateDir} can't be written (${error instanceof Error ? error.message : 'unknown reason'})`);
      return;
    }
    log.info(`the unit now names another agent or other settings (${other}): restarting`);
    void end(EXIT_SWITCHED, null);
  }

  async function firstClone(): Promise<void> {
    const outcome = await repository.prepare(backgroundShell);
    if (!outcome.ok) log.error(`${redact(outcome.message)}; the agent continues, and the next pull tries again`);
    await host.refreshLock();
    void heartbeat();
  }

  async function end(code: number, entry: OutboxEntry | null): Promise<void> {
    if (ending) return;
    ending = true;
    if (entry !== null) {
      const waited = new Promise((resolve) => timers.push(setTimeout(resolve, ACK_TIMEOUT_MS)));
      await Promise.race([outbox.whenSettled(entry), waited]);
    }
    if (heartbeats !== null) clearInterval(heartbeats);
    for (const timer of timers) clearTimeout(timer);
    // A first clone that is still running would outlive the agent.
    for (const child of background) child.signal('SIGTERM');
    lifetime.abort();
    await connection.close('shutdown');
    resolveExit(code);
  }

  return {
    async run() {
      log.info(`nixfleet-agent ${AGENT_VERSION} for ${config.hostname}, connecting to ${config.url}`);
      if (unit !== null) forgetRestart({ unit, program, stateDir: config.stateDir });
      await metrics();
      const wait = new Promise((resolve) => timers.push(setTimeout(resolve, FIRST_CLONE_WAIT_MS)));
      await prepareActivation();
      await Promise.race([firstClone(), wait]);
      timers.push(setInterval(() => void host.refreshLock(), LOCK_CHECK_INTERVAL_MS));
      timers.push(setInterval(generations.check, REPORTS_CHECK_INTERVAL_MS));
      timers.push(setInterval(policies.check, REPORTS_CHECK_INTERVAL_MS));
      if (unit !== null) timers.push(setInterval(restartIfReplaced, PROGRAM_CHECK_INTERVAL_MS));
      if (!ending) connection.start();
      return exited;
    },
    shutDown() {
      void runner.shutDown().then((stopped) => end(0, stopped));
    },
  };
}
