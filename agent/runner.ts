/**
 * Runs commands one at a time: a command counts as running before anything is awaited. `stop`, `kill_command`,
 * `restart` and `reboot` don't wait for it. Stop and kill reach the command's process group and nothing else.
 */
import { plainText } from '@/lib/text/plain-text';
import type { OutboxEntry } from '@/lib/outbox/outbox';
import type { AgentOperation, HeldOperation, OperationContext, OperationEnd } from './operation';
import { judgeOperation } from './policy/judge-operation';
import { EXIT_REFUSED, refusalMessage, type Refusal } from './policy/refusal';
import { killAsRoot, whatGoesOn } from './after-stop';
import { STOP_GRACE_MS, type Child } from './process';
import {
  givenBy,
  NOTHING_GIVEN,
  type Accepted,
  type CommandPayload,
  type CommandRunnerOptions,
  type Given,
  type KillPayload,
  type RunningCommand,
  type StopSignal,
} from './runner-types';
import { createShell, type Shell, type ShellOptions } from './shell';
import type { RolledBackReason } from '@/lib/protocol/agent/confirmation';
import type { RefusedReason } from '@/lib/protocol/agent/host-policy';
import type { AgentFrameInput } from '@/lib/protocol/agent/from-agent';
import type { OutputStream } from '@/lib/protocol/output-stream';

/** Exit codes: 101 after a switch (the Go agent's), 0 after `restart`. The service manager starts the agent again. */
export const EXIT_SWITCHED = 101;
export const EXIT_RESTART = 0;
/** How long the processes of a stopped command are waited for while the agent itself ends: systemd waits 25 s in all. */
const EXITING_WAIT_MS = 2_000;
const REBOOT_DELAY_MS = 3_000;
const MAX_MESSAGE = 1_000;

export type CommandRunner = ReturnType<typeof createCommandRunner>;

export function createCommandRunner(options: CommandRunnerOptions) {
  const { outbox, log, send, stopGraceMs = STOP_GRACE_MS, rebootDelayMs = REBOOT_DELAY_MS } = options;
  let current: RunningCommand | null = null;
  /** The process is about to end: new commands are refused. */
  let exiting = false;
  let rebooting = false;

  function shellFor(entry: OutboxEntry, more: Partial<ShellOptions> = {}): Shell {
    return createShell({
      cwd: options.cwd,
      env: options.env,
      // The shell has redacted its lines.
      say: (line, stream) => {
        outbox.addLines(entry, stream, [line]);
      },
      redact: options.redact,
      ...more,
    });
  }

  function say(entry: OutboxEntry, line: string, stream: OutputStream = 'stdout'): void {
    outbox.addLines(entry, stream, [options.redact(line)]);
  }

  async function finish(
    entry: OutboxEntry,
    status: OperationEnd['status'] | 'stopped',
    exitCode: number,
    message: string,
    {
      restarting = false,
      mayContinue,
      rolledBack,
      refusal,
    }: {
      restarting?: boolean;
      mayContinue?: true;
      rolledBack?: RolledBackReason | undefined;
      refusal?: RefusedReason | undefined;
    } = {},
  ): Promise<void> {
    const generation = await options.generation();
    const text = plainText(options.redact(message), MAX_MESSAGE);
    log.info(`${entry.command}: ${status}${text === '' ? '' : ` (${text})`}`);
    if (current?.entry === entry) current = null;
    outbox.finish(entry, { status, exitCode, message: text, generation, restarting, mayContinue, rolledBack, refusal });
  }

  function command(payload: CommandPayload): void {
    const id = options.withIds() ? (payload.id ?? null) : null;
    const name = payload.command;
    if (id !== null && !isNew(id, name)) return;
    const isControl = name === 'restart' || (name === 'reboot' && !rebooting && !exiting);
    if (name === 'stop') void stop(id, payload.target ?? null);
    else if (!isControl && (current !== null || exiting || rebooting)) reject(id, name);
    else judged(id, name, givenBy(payload));
  }

  /** Whatever the frame and its dashboard: nothing begins that the policy of the running system does not accept. */
  function judged(id: string | null, name: string, given: Given): void {
    const policy = options.policy();
    const refusal = judgeOperation(policy, { command: name, isConfirmed: given.confirm !== null }, Date.now());
    if (refusal !== null) void refuse(accept(id, name), refusal);
    else if (name === 'restart') void restart(id);
    else if (name === 'reboot') void reboot(id);
    else start(id, name, { ...given, policy });
  }

  async function refuse(entry: OutboxEntry, refusal: Refusal): Promise<void> {
    const message = refusalMessage(refusal);
    say(entry, `⛔ ${message}`, 'stderr');
    await finish(entry, 'error', EXIT_REFUSED, message, { refusal: refusal.reason });
  }

  /** A known id is answered from memory and never run again. */
  function isNew(id: string, name: string): boolean {
    switch (outbox.stateOf(id)) {
      case 'new':
        return true;
      case 'running':
        send({ type: 'started', payload: { command_id: id } });
        return false;
      case 'refused':
        send({ type: 'command_rejected', payload: { reason: 'this command was refused earlier', command_id: id } });
        return false;
      case 'finished':
        outbox.resendResult(id);
        return false;
      case 'lost':
        void finish(
          outbox.begin(id, name),
          'error',
          1,
          'the agent ended while this command ran: its result is unknown',
        );
        return false;
    }
  }

  function reject(id: string | null, name: string): void {
    log.warn(
      `refused ${name}: ${current === null ? 'the agent is about to end' : `${current.entry.command} is running`}`,
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

  function accept(id: string | null, name: string): OutboxEntry {
    log.info(`${name} started`);
    const entry = outbox.begin(id, name);
    if (id !== null) send({ type: 'started', payload: { command_id: id } });
    return entry;
  }

  function start(id: string | null, name: string, given: Accepted): void {
    const operation = options.operations.get(name);
    if (operation === undefined) {
      void finish(outbox.begin(id, name), 'error', 1, 'unknown command');
      return;
    }
    run(accept(id, name), operation, given);
  }

  /** Goes on with a command that an earlier process of the agent began, unless its result is known. */
  function resume(id: string | null, name: string, lastSeq: number, operation: AgentOperation): boolean {
    if (id !== null && outbox.stateOf(id) === 'finished') return false;
    log.info(`${name} continues: an earlier agent process started it`);
    run(id === null ? outbox.begin(null, name) : outbox.resume(id, name, lastSeq), operation, {
      ...NOTHING_GIVEN,
      policy: options.policy(),
    });
    return true;
  }

  function run(entry: OutboxEntry, operation: AgentOperation, given: Accepted): void {
    const running: RunningCommand = {
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
      held: null,
      stop: null,
      stopped: null,
      rest: null,
      escalation: null,
      progress: new Map(),
      done: Promise.resolve(),
    };
    current = running;
    running.done = perform(running, operation, given);
  }

  async function perform(running: RunningCommand, operation: AgentOperation, given: Accepted): Promise<void> {
    const context: OperationContext = {
      shell: running.shell,
      stopping: () => running.stop !== null,
      commandId: running.entry.id,
      command: running.entry.command,
      ...given,
      lastSeq: () => running.entry.lastSeq,
      hold(held) {
        running.held = held;
      },
      progress(phase, done, total, status) {
        const frame: AgentFrameInput = {
          type: 'operation_progress',
          payload: { progress: { [phase]: { current: done, total, status } } },
        };
        // At its end: after a reconnect, the last one that is sent is shown.
        running.progress.delete(phase);
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
    if (end.handover === true) {
      // It counts as running until the next process of the agent takes over.
      exiting = true;
      log.info(`${running.entry.command}: the agent of the new system takes over`);
      options.exit(EXIT_SWITCHED, null);
      return;
    }
    // A stopped activation may have changed the system already: what goes on must be said all the same.
    if (running.stop !== null && end.status !== 'ok') {
      const { exitCode, message } = running.stop;
      const group = running.stopped?.pid ?? null;
      const rest =
        group === null
          ? null
          : await whatGoesOn(group, options.hostType, shellFor(running.entry), exiting ? EXITING_WAIT_MS : undefined);
      running.rest = rest;
      if (rest === null) await finish(running.entry, 'stopped', exitCode, message);
      else await finish(running.entry, 'stopped', exitCode, `${message}, but ${rest}`, { mayContinue: true });
      return;
    }
    const restarting = end.switched === true && options.hostType === 'nixos';
    if (restarting) exiting = true;
    const { rolledBack, refusal } = end;
    if (refusal !== undefined) say(running.entry, `⛔ ${end.message}`, 'stderr');
    await finish(running.entry, end.status, end.exitCode, end.message, { restarting, rolledBack, refusal });
    await end.settle?.();
    if (restarting) options.exit(EXIT_SWITCHED, running.entry);
  }

  async function stop(id: string | null, target: string | null): Promise<void> {
    const running = current;
    if (running === null || (target !== null && running.entry.id !== target)) {
      await finish(outbox.begin(id, 'stop'), 'error', 1, 'no command running');
      return;
    }
    // Without ids the result of the stopped command is the only answer.
    const entry = id === null ? null : accept(id, 'stop');
    if (running.held !== null) {
      await finish(entry ?? outbox.begin(null, 'stop'), 'error', 1, running.held.reason);
      return;
    }
    const problem = await end(running, 'SIGTERM', { exitCode: 130, message: 'terminated by user' });
    if (problem !== null) {
      await finish(entry ?? outbox.begin(null, 'stop'), 'error', 1, problem);
      return;
    }
    await running.done;
    if (entry === null) return;
    if (running.rest === null) await finish(entry, 'ok', 0, '');
    else await finish(entry, 'warning', 0, `${running.entry.command} was stopped, but ${running.rest}`);
  }

  /** Ends the running command's group, with SIGKILL if SIGTERM is not enough. Gives a sentence if that is not possible. */
  async function end(
    running: RunningCommand,
    signal: StopSignal,
    stopped: NonNullable<RunningCommand['stop']>,
  ): Promise<string | null> {
    running.stop ??= stopped;
    const { child } = running;
    if (child === null) return null;
    running.stopped = child;
    if (!(await deliver(running, child, signal))) {
      running.stop = null;
      running.stopped = null;
      return `the command runs as another user (sudo), and the agent's user may not end it: allow "sudo kill" for that user`;
    }
    running.escalation ??= setTimeout(() => {
      if (running.child !== child) return;
      say(running.entry, `[still running ${stopGraceMs / 1000} s after SIGTERM: sending SIGKILL]`, 'stderr');
      void deliver(running, child, 'SIGKILL');
    }, stopGraceMs);
    return null;
  }

  /** A child of sudo belongs to root and accepts signals from root only. */
  async function deliver(running: RunningCommand, child: Child, signal: StopSignal): Promise<boolean> {
    const outcome = child.signal(signal);
    if (outcome !== 'forbidden' || child.pid === null) return true;
    return (await killAsRoot(shellFor(running.entry), child.pid, signal)) || running.child !== child;
  }

  /** Ends the running command's group and never another process: the PID in the frame is only compared. */
  function kill(payload: KillPayload): void {
    const running = current;
    const pid = payload.pid ?? 0;
    const refusal = judgeOperation(options.policy(), { command: 'kill', isConfirmed: false }, Date.now());
    if (payload.signal !== 'SIGTERM' && payload.signal !== 'SIGKILL') {
      reply(running, `❌ Unknown signal: ${payload.signal}`);
    } else if (refusal !== null) {
      // No line may be added to the output of what is held, as below.
      if (running?.held != null) log.warn(`kill: ${refusalMessage(refusal)}`);
      else reply(running, `⛔ ${refusalMessage(refusal)}`);
    } else if (running === null) {
      reply(null, '⚠️ No command running to kill');
    } else if (pid !== 0 && pid !== running.child?.pid) {
      reply(running, `❌ Refused to kill PID ${pid}: it is not the running command's`);
    } else if (running.held !== null) {
      killHeld(running.entry, running.held, payload.signal);
    } else {
      reply(running, `⚠️ Received kill command: ${payload.signal} (PID ${running.child?.pid ?? 0})`, 'stdout');
      const exitCode = payload.signal === 'SIGKILL' ? 137 : 143;
      void end(running, payload.signal, { exitCode, message: `ended by ${payload.signal}` }).then((problem) => {
        if (problem !== null) reply(running, `❌ ${problem}`);
      });
    }
  }

  /** No line is added to the output of what goes on: its lines are numbered by what it writes itself. */
  function killHeld({ command: name }: OutboxEntry, held: HeldOperation, signal: StopSignal): void {
    log.warn(`received ${signal} for ${name}, which can't be stopped cleanly`);
    if (signal === 'SIGTERM') return;
    void held.kill().then((problem) => {
      if (problem !== null) log.error(problem);
    });
  }

  function reply(running: RunningCommand | null, line: string, stream: OutputStream = 'stderr'): void {
    log.warn(line);
    if (running !== null) say(running.entry, line, stream);
    else if (!options.withIds()) send({ type: 'output', payload: { line, stream } });
  }

  /** Ends the running command, unless it must outlive the agent. Gives the command whose result is still to be sent. */
  async function endCurrent(message: string): Promise<OutboxEntry | null> {
    exiting = true;
    const running = current;
    // The next process of the agent goes on with what is held.
    if (running === null || running.outlives || running.held !== null) return null;
    const problem = await end(running, 'SIGTERM', { exitCode: 130, message });
    if (problem !== null) {
      log.error(problem);
      return null;
    }
    await running.done;
    return running.entry;
  }

  async function restart(id: string | null): Promise<void> {
    const entry = accept(id, 'restart');
    await endCurrent('the agent was restarted');
    // Without ids a restart has no result: the dashboard sees the agent reconnect.
    if (id === null) outbox.close(entry);
    else await finish(entry, 'ok', 0, 'the agent restarts', { restarting: true });
    options.exit(EXIT_RESTART, entry);
  }

  async function reboot(id: string | null): Promise<void> {
    rebooting = true;
    const entry = accept(id, 'reboot');
    say(entry, `⚠️  Reboot command received. System will reboot in ${rebootDelayMs / 1000} seconds...`);
    await new Promise((resolve) => setTimeout(resolve, rebootDelayMs));
    const problem = await options.rebootHost(shellFor(entry));
    if (problem !== null) {
      rebooting = false;
      say(entry, `❌ Reboot failed: ${problem}`, 'stderr');
    }
    if (id === null) outbox.close(entry);
    else if (problem === null) await finish(entry, 'ok', 0, 'the host reboots', { restarting: true });
    else await finish(entry, 'error', 1, `Reboot failed: ${problem}`);
  }

  return {
    command,
    kill,
    resume,
    /** The running command, for `register` and heartbeats. */
    running: (): { id: string | null; command: string; pid: number | null } | null =>
      current === null
        ? null
        : { id: current.entry.id, command: current.entry.command, pid: current.child?.pid ?? null },
    /** Sends the progress of the running command again, after a reconnect. */
    repeatProgress(): void {
      for (const frame of current?.progress.values() ?? []) send(frame);
    },
    /** Ends the running command because the agent got SIGTERM. */
    shutDown: (): Promise<OutboxEntry | null> => endCurrent('the agent was shut down'),
  };
}
