/**
 * Carries commands out, one at a time: the place is taken before anything is awaited. `stop`, `kill_command`,
 * `restart` and `reboot` need no place. Stop and kill reach the command's own process group and nothing else.
 */
import type { HostType } from './config';
import type { Log } from './log';
import type { AgentOperation, OperationContext, OperationEnd } from './operation';
import type { Outbox, OutboxEntry } from './outbox';
import { STOP_GRACE_MS, type Child } from './process';
import { createShell, failureOf, type Shell, type ShellOptions } from './shell';
import type { AgentFrameInput } from '@/lib/protocol/agent/to-dashboard';
import type { OutputStream } from '@/lib/protocol/output-stream';
import type { ReceivedServerFrame } from '@/lib/protocol/agent/to-agent';

/** Exit codes: 101 after a switch (the Go agent's), 0 after `restart`. The service manager starts the agent again. */
export const EXIT_SWITCHED = 101;
export const EXIT_RESTART = 0;
const REBOOT_DELAY_MS = 3_000;
const REBOOT_TIMEOUT_MS = 60_000;
const KILL_TOOL_TIMEOUT_MS = 10_000;
const MAX_MESSAGE = 1_000;

type CommandPayload = Extract<ReceivedServerFrame, { type: 'command' }>['payload'];
type KillPayload = Extract<ReceivedServerFrame, { type: 'kill_command' }>['payload'];
type StopSignal = 'SIGTERM' | 'SIGKILL';

interface Running {
  readonly entry: OutboxEntry;
  readonly shell: Shell;
  child: Child | null;
  /** The child goes on without the agent (a switch on macOS). */
  outlives: boolean;
  /** Set once somebody asked to end it: what its result is to say. */
  stop: { exitCode: number; message: string } | null;
  escalation: NodeJS.Timeout | null;
  progress: Map<string, AgentFrameInput>;
  done: Promise<void>;
}

export interface RunnerOptions {
  operations: ReadonlyMap<string, AgentOperation>;
  hostType: HostType;
  outbox: Outbox;
  log: Log;
  /** Sends a frame that needs no acknowledgement; dropped while there is no connection. */
  send: (frame: AgentFrameInput) => void;
  /** Whether ids are spoken on this connection. */
  withIds: () => boolean;
  generation: () => Promise<string>;
  redact: (text: string) => string;
  env: NodeJS.ProcessEnv;
  cwd: () => string;
  /** The process is to end once the result of `entry` is acknowledged. */
  exit: (code: number, entry: OutboxEntry) => void;
  stopGraceMs?: number;
  rebootDelayMs?: number;
}

export type Runner = ReturnType<typeof createRunner>;

export function createRunner(options: RunnerOptions) {
  const { outbox, log, send, stopGraceMs = STOP_GRACE_MS, rebootDelayMs = REBOOT_DELAY_MS } = options;
  let current: Running | null = null;
  /** Set when the process is about to end: nothing new is taken up. */
  let exiting = false;
  let rebooting = false;

  function shellFor(entry: OutboxEntry, more: Partial<ShellOptions> = {}): Shell {
    return createShell({
      cwd: options.cwd,
      env: options.env,
      say: (line, stream) => say(entry, line, stream),
      ...more,
    });
  }

  function say(entry: OutboxEntry, line: string, stream: OutputStream = 'stdout'): void {
    outbox.addLine(entry, options.redact(line), stream);
  }

  async function finish(
    entry: OutboxEntry,
    status: OperationEnd['status'] | 'stopped',
    exitCode: number,
    message: string,
    restarting = false,
  ): Promise<void> {
    const generation = await options.generation();
    const text = options.redact(message).slice(0, MAX_MESSAGE);
    log.info(`${entry.command}: ${status}${text === '' ? '' : ` (${text})`}`);
    if (current?.entry === entry) current = null;
    outbox.finish(entry, { status, exitCode, message: text, generation, restarting });
  }

  function command(payload: CommandPayload): void {
    const id = options.withIds() ? (payload.id ?? null) : null;
    const name = payload.command;
    if (id !== null && !isNew(id, name)) return;
    if (name === 'stop') void stop(id, payload.target ?? null);
    else if (name === 'restart') void restart(id);
    else if (name === 'reboot' && !rebooting && !exiting) void reboot(id);
    else if (current !== null || exiting || rebooting) reject(id, name);
    else start(id, name);
  }

  /** An id that was seen is answered from memory and never run again. */
  function isNew(id: string, name: string): boolean {
    const seen = outbox.seen(id);
    switch (seen.kind) {
      case 'new':
        return true;
      case 'running':
        send({ type: 'started', payload: { command_id: id } });
        return false;
      case 'refused':
        send({ type: 'command_rejected', payload: { reason: 'this command was refused before', command_id: id } });
        return false;
      case 'finished':
        outbox.repeat(id);
        return false;
      case 'lost':
        void finish(
          outbox.begin(id, name),
          'error',
          1,
          'the agent ended while this command ran: its result is not known',
        );
        return false;
    }
  }

  function reject(id: string | null, name: string): void {
    log.warn(
      `${name} refused: ${current === null ? 'the agent is about to end' : `${current.entry.command} is running`}`,
    );
    if (id !== null) outbox.refuse(id, name);
    send({
      type: 'command_rejected',
      payload: {
        reason: current === null ? 'the agent is restarting' : 'command already running',
        ...(current === null ? {} : { current_command: current.entry.command }),
        ...(id === null ? {} : { command_id: id }),
        ...(id === null || current?.entry.id == null ? {} : { current_command_id: current.entry.id }),
      },
    });
  }

  function takeUp(id: string | null, name: string): OutboxEntry {
    log.info(`${name} taken up`);
    const entry = outbox.begin(id, name);
    if (id !== null) send({ type: 'started', payload: { command_id: id } });
    return entry;
  }

  function start(id: string | null, name: string): void {
    const operation = options.operations.get(name);
    if (operation === undefined) {
      void finish(outbox.begin(id, name), 'error', 1, 'unknown command');
      return;
    }
    const entry = takeUp(id, name);
    const running: Running = {
      entry,
      shell: shellFor(entry, {
        stopping: () => running.stop !== null,
        onChild(child, outlives) {
          running.child = child;
          running.outlives = outlives;
        },
      }),
      child: null,
      outlives: false,
      stop: null,
      escalation: null,
      progress: new Map(),
      done: Promise.resolve(),
    };
    current = running;
    running.done = carryOut(running, operation);
  }

  async function carryOut(running: Running, operation: AgentOperation): Promise<void> {
    const context: OperationContext = {
      shell: running.shell,
      stopping: () => running.stop !== null,
      progress(phase, done, total, status) {
        const frame: AgentFrameInput = {
          type: 'operation_progress',
          payload: { progress: { [phase]: { current: done, total, status } } },
        };
        running.progress.set(phase, frame);
        send(frame);
      },
    };
    let end: OperationEnd;
    try {
      end = await operation(context);
    } catch (error) {
      const reason = error instanceof Error ? error.message : 'unknown reason';
      log.error(
        `${running.entry.command} failed inside the agent: ${error instanceof Error ? (error.stack ?? reason) : reason}`,
      );
      end = { status: 'error', exitCode: 1, message: `the agent failed: ${reason}` };
    }
    if (running.escalation !== null) clearTimeout(running.escalation);
    if (running.stop !== null && end.status === 'error') {
      await finish(running.entry, 'stopped', running.stop.exitCode, running.stop.message);
      return;
    }
    const restarting = end.switched === true && options.hostType === 'nixos';
    if (restarting) exiting = true;
    await finish(running.entry, end.status, end.exitCode, end.message, restarting);
    if (restarting) options.exit(EXIT_SWITCHED, running.entry);
  }

  async function stop(id: string | null, target: string | null): Promise<void> {
    const running = current;
    if (running === null || (target !== null && running.entry.id !== target)) {
      await finish(outbox.begin(id, 'stop'), 'error', 1, 'no command running');
      return;
    }
    // Without ids the stopped command's own result is the whole answer.
    const entry = id === null ? null : takeUp(id, 'stop');
    const problem = await end(running, 'SIGTERM', { exitCode: 130, message: 'terminated by user' });
    if (problem !== null) {
      await finish(entry ?? outbox.begin(null, 'stop'), 'error', 1, problem);
      return;
    }
    await running.done;
    if (entry !== null) await finish(entry, 'ok', 0, '');
  }

  /** Ends the running command's group; SIGKILL follows where SIGTERM is not enough. Gives a sentence when that is not possible. */
  async function end(
    running: Running,
    signal: StopSignal,
    stopped: NonNullable<Running['stop']>,
  ): Promise<string | null> {
    running.stop ??= stopped;
    const { child } = running;
    if (child === null) return null;
    if (!(await deliver(running, child, signal))) {
      running.stop = null;
      return `the command runs as another user (sudo), and the agent's user may not end it: allow "sudo kill" for that user`;
    }
    running.escalation ??= setTimeout(() => {
      if (running.child !== child) return;
      say(running.entry, `[not ended ${stopGraceMs / 1000} s after SIGTERM: sending SIGKILL]`, 'stderr');
      void deliver(running, child, 'SIGKILL');
    }, stopGraceMs);
    return null;
  }

  /** What sudo started belongs to root and takes signals from root alone. */
  async function deliver(running: Running, child: Child, signal: StopSignal): Promise<boolean> {
    const outcome = child.signal(signal);
    if (outcome !== 'forbidden' || child.pid === null) return true;
    const shell = shellFor(running.entry);
    const run = await shell.run('sudo', ['kill', '-s', signal.slice(3), '--', `-${child.pid}`], {
      quiet: true,
      timeoutMs: KILL_TOOL_TIMEOUT_MS,
    });
    return run.ok || running.child !== child;
  }

  /** Ends the present command's group, and never another process: the number is a question, not an address. */
  function kill(payload: KillPayload): void {
    const running = current;
    const pid = payload.pid ?? 0;
    if (payload.signal !== 'SIGTERM' && payload.signal !== 'SIGKILL') {
      tell(running, `❌ Unknown signal: ${payload.signal}`);
    } else if (running === null) {
      tell(null, '⚠️ No command running to kill');
    } else if (pid !== 0 && pid !== running.child?.pid) {
      tell(running, `❌ Refused to kill PID ${pid}: it is not the running command's`);
    } else {
      tell(running, `⚠️ Received kill command: ${payload.signal} (PID ${running.child?.pid ?? 0})`, 'stdout');
      const exitCode = payload.signal === 'SIGKILL' ? 137 : 143;
      void end(running, payload.signal, { exitCode, message: `ended by ${payload.signal}` }).then((problem) => {
        if (problem !== null) tell(running, `❌ ${problem}`);
      });
    }
  }

  function tell(running: Running | null, line: string, stream: OutputStream = 'stderr'): void {
    log.warn(line);
    if (running !== null) say(running.entry, line, stream);
    else if (!options.withIds()) send({ type: 'output', payload: { line, stream } });
  }

  /** Ends what runs, except what is meant to outlive the agent. Gives the command whose result is still to be told. */
  async function windUp(message: string): Promise<OutboxEntry | null> {
    exiting = true;
    const running = current;
    if (running === null || running.outlives) return null;
    const problem = await end(running, 'SIGTERM', { exitCode: 130, message });
    if (problem !== null) {
      log.error(problem);
      return null;
    }
    await running.done;
    return running.entry;
  }

  async function restart(id: string | null): Promise<void> {
    const entry = takeUp(id, 'restart');
    await windUp('the agent was restarted');
    // Without ids a restart has no result: the dashboard sees the agent come back.
    if (id === null) outbox.close(entry);
    else await finish(entry, 'ok', 0, 'the agent restarts', true);
    options.exit(EXIT_RESTART, entry);
  }

  async function reboot(id: string | null): Promise<void> {
    rebooting = true;
    const entry = takeUp(id, 'reboot');
    say(entry, `⚠️  Reboot command received. System will reboot in ${rebootDelayMs / 1000} seconds...`);
    await new Promise((resolve) => setTimeout(resolve, rebootDelayMs));
    const run = await shellFor(entry).run('sudo', ['reboot'], { timeoutMs: REBOOT_TIMEOUT_MS });
    const problem = run.ok ? '' : failureOf('sudo reboot', run);
    if (!run.ok) {
      rebooting = false;
      say(entry, `❌ Reboot failed: ${problem}`, 'stderr');
    }
    if (id === null) outbox.close(entry);
    else if (run.ok) await finish(entry, 'ok', 0, 'the host reboots', true);
    else await finish(entry, 'error', 1, `Reboot failed: ${problem}`);
  }

  return {
    command,
    kill,
    /** For `register` and heartbeats: what runs now. */
    running: (): { id: string | null; command: string; pid: number | null } | null =>
      current === null
        ? null
        : { id: current.entry.id, command: current.entry.command, pid: current.child?.pid ?? null },
    /** After a reconnect: how far the running command is. */
    repeatProgress(): void {
      for (const frame of current?.progress.values() ?? []) send(frame);
    },
    /** The agent is told to end (SIGTERM): so is its command. */
    shutDown: (): Promise<OutboxEntry | null> => windUp('the agent was shut down'),
  };
}
