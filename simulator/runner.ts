/** Carries commands out as the behaviour says, one at a time; stop, kill, restart and reboot need no place. */
import { outputFrame, progressFrame, statusFrame, type Words } from './agent-frames';
import { behaviourOf, type Behaviour } from './behaviour';
import type { AgentEvent } from './events';
import type { HostFacts } from './host-facts';
import type { Outbox, OutboxEntry, Result } from './outbox';
import type { Pauses } from './pauses';
import { scriptOf, type RunCommand, type Step } from './script';
import { WIRE_COMMANDS } from '@/lib/protocol/agent/wire-commands';
import type { AgentFrameInput } from '@/lib/protocol/agent/to-dashboard';
import type { OutputStream } from '@/lib/protocol/output-stream';

/** Lines of one command come in portions of about this time. */
const PORTION_MS = 100;
/** A planned exit waits this long for the acknowledgement of the last result. */
const ACK_TIMEOUT_MS = 5_000;
/** The longest pause that a timer can make: 24 days. */
const NEVER_MS = 2_147_483_647;
const FIRST_PID = 1_000;

/** What the runner asks of its agent. */
export interface RunnerHost {
  readonly behaviour: Behaviour;
  readonly facts: HostFacts;
  readonly words: () => Words;
  readonly outbox: Outbox;
  readonly pauses: Pauses;
  /** The commit that a pull brings the clone to. */
  readonly pullsTo: string | undefined;
  /** What is spoken on the present connection; null when there is none. */
  readonly spoken: () => 2 | 3 | null;
  readonly send: (frame: AgentFrameInput) => void;
  readonly heartbeat: () => void;
  readonly emit: (event: AgentEvent) => void;
  /** Another agent binary is installed; the next process is it. */
  readonly install: () => void;
  /** Ends the process, with a close frame or without; another one starts after the pause. */
  readonly endProcess: (how: 'goodbye' | 'broken', pauseMs: number) => Promise<void>;
  /** Runs something to its end; closing the agent waits for it. */
  readonly task: (work: () => Promise<void>) => Promise<void>;
}

export interface Running {
  readonly command: RunCommand;
  readonly id: string | null;
  readonly entry: OutboxEntry | null;
  readonly pid: number | null;
  /** Set once it is to end before its script does. */
  ended: boolean;
  /** The word of the status that was sent. */
  result: string | null;
  /** Ends the present pause. */
  wake: () => void;
  done: Promise<void>;
}

export class Runner {
  private current: Running | null = null;
  /** The process is about to end, or is not there: nothing new is taken up. */
  private exiting = false;
  private pids = FIRST_PID;

  constructor(private readonly host: RunnerHost) {}

  get running(): Running | null {
    return this.current;
  }

  /** The process ended, and what it ran with it. */
  processEnded(): void {
    this.exiting = true;
    if (this.current) this.interrupt(this.current);
    this.current = null;
  }

  processStarted(): void {
    this.exiting = false;
  }

  /** A `command` frame. `id` is null where no ids are spoken. */
  command(command: string, id: string | null, target: string | null): void {
    const { task } = this.host;
    if (id !== null && !this.isNew(id, command)) return;
    if (command === 'stop') void task(() => this.stop(id, target));
    else if (command === 'restart') void task(() => this.restart(id));
    else if (command === 'reboot' && !this.exiting) void task(() => this.reboot(id));
    else if (this.current !== null || this.exiting) this.reject(command, id);
    else if (!isRunCommand(command)) this.report('error', command, id, 1, 'unknown command');
    else this.carryOut(command, id);
  }

  /** A `kill_command` frame. */
  kill(signal: string): void {
    const running = this.current;
    if (signal !== 'SIGTERM' && signal !== 'SIGKILL') {
      this.say(running, 'stderr', [`❌ Unknown signal: ${signal}`]);
    } else if (running === null) {
      this.say(null, 'stderr', ['⚠️ No command running to kill']);
    } else {
      this.say(running, 'stdout', [`⚠️ Received kill command: ${signal} (PID ${running.pid ?? 0})`]);
      void this.host.task(async () => {
        this.interrupt(running);
        await running.done;
        if (running.entry) this.finish(running, 'stopped', signal === 'SIGKILL' ? 137 : 143, `ended by ${signal}`);
        // The Go agent is of its child's process group: the signal ends both.
        else await this.host.endProcess(signal === 'SIGKILL' ? 'broken' : 'goodbye', this.host.behaviour.restartMs);
      });
    }
  }

  /** An id that was seen is answered from memory and never carried out again. */
  private isNew(id: string, command: string): boolean {
    const { outbox, send } = this.host;
    switch (outbox.seen(id)) {
      case 'new':
        return true;
      case 'running':
        send({ type: 'started', payload: { command_id: id } });
        return false;
      case 'refused':
        send({ type: 'command_rejected', payload: { reason: 'refused before', command_id: id } });
        return false;
      case 'finished':
        outbox.repeat(id);
        return false;
      case 'lost':
        this.report('error', command, id, 1, 'the agent ended while this command ran');
        return false;
    }
  }

  private reject(command: string, id: string | null): void {
    const running = this.current;
    if (id !== null) this.host.outbox.refuse(id);
    this.host.send({
      type: 'command_rejected',
      payload: {
        reason: running ? 'command already running' : 'the agent is restarting',
        ...(running ? { current_command: running.command } : {}),
        ...(running?.pid == null ? {} : { current_pid: running.pid }),
        ...(id === null ? {} : { command_id: id }),
        ...(id === null || running?.id == null ? {} : { current_command_id: running.id }),
      },
    });
    this.host.emit({ type: 'rejected', command, id });
  }

  private takeUp(command: string, id: string): OutboxEntry {
    const entry = this.host.outbox.begin(id, command);
    this.host.send({ type: 'started', payload: { command_id: id } });
    return entry;
  }

  private carryOut(command: RunCommand, id: string | null): void {
    const { behaviour, facts, words } = this.host;
    const script = scriptOf(command, behaviourOf(behaviour, command), {
      hostType: facts.hostType,
      lock: words().lock.status,
      system: words().system.status || 'ok',
      version: facts.agentVersion,
    });
    const running: Running = {
      command,
      id,
      entry: id === null ? null : this.takeUp(command, id),
      // The isolated pull of the Go agent runs no child that it knows the number of.
      pid: command === 'pull' ? null : ++this.pids,
      ended: false,
      result: null,
      wake: () => undefined,
      done: Promise.resolve(),
    };
    this.current = running;
    running.done = this.host.task(async () => {
      for (const step of script) {
        await this.play(running, step);
        if (running.ended) break;
      }
      if (this.current === running) this.current = null;
      this.host.emit({ type: 'ended', command, id, result: running.result });
    });
  }

  private async play(running: Running, step: Step): Promise<void> {
    switch (step.do) {
      case 'progress':
        this.host.send(progressFrame(step.phase, step.status));
        return;
      case 'say':
        this.say(running, step.stream, step.lines);
        return;
      case 'work':
        await this.work(running, step.share);
        return;
      case 'hang':
        await this.pause(running, NEVER_MS);
        return;
      case 'pull':
        this.host.facts.generation = this.host.pullsTo ?? this.host.facts.generation;
        return;
      case 'install':
        this.host.install();
        return;
      case 'learn':
        this.host.words()[step.compartment] = { status: step.status, message: step.message, checked_at: wireTime() };
        return;
      case 'status':
        if (step.restarting && running.entry) this.exiting = true;
        this.finish(running, step.status, step.exitCode, step.message, step.restarting);
        return;
      case 'heartbeat':
        if (!running.entry) this.host.heartbeat();
        return;
      case 'exit':
        if (step.how === 'switched') {
          if (running.entry) await this.acknowledged(running.entry);
          await this.host.pauses.wait(this.host.behaviour.exitDelayMs);
        }
        await this.host.endProcess(step.how === 'crash' ? 'broken' : 'goodbye', this.host.behaviour.restartMs);
    }
  }

  private async work(running: Running, share: number): Promise<void> {
    const { lines, durationMs, line, held } = behaviourOf(this.host.behaviour, running.command);
    await held;
    const count = Math.round(lines * share);
    const ms = durationMs * share;
    const portions = Math.max(1, Math.ceil(ms / PORTION_MS));
    let made = 0;
    for (let portion = 1; portion <= portions && !running.ended; portion += 1) {
      const until = Math.round((count * portion) / portions);
      const from = made + 1;
      made = until;
      this.say(
        running,
        'stdout',
        Array.from({ length: until - from + 1 }, (_, index) => line(from + index)),
      );
      await this.pause(running, ms / portions);
    }
  }

  private async pause(running: Running, ms: number): Promise<void> {
    await this.host.pauses.wait(ms, (wake) => {
      running.wake = wake;
    });
  }

  private say(running: Running | null, stream: OutputStream, lines: readonly string[]): void {
    if (running?.entry) {
      // In protocol 3 every line comes before the result.
      if (running.result === null) this.host.outbox.add(running.entry, stream, lines);
      return;
    }
    if (this.host.spoken() !== 2) return;
    for (const line of lines) this.host.send(outputFrame(stream, line));
  }

  private resultOf(status: Result['status'], exitCode: number, message: string, restarting = false): Result {
    return { status, exitCode, message, generation: this.host.facts.generation, restarting };
  }

  /** Gives the result of a command; in protocol 3 the place is free from here on. */
  private finish(
    running: Running,
    status: Result['status'],
    exitCode: number,
    message: string,
    restarting = false,
  ): void {
    const again = running.result !== null;
    running.result = status;
    const result = this.resultOf(status, exitCode, message, restarting);
    const { entry } = running;
    if (entry === null) {
      this.host.send(statusFrame(running.command, result));
      return;
    }
    if (this.current === running) this.current = null;
    if (again) this.host.outbox.repeat(entry.id);
    else this.host.outbox.finish(entry, result);
  }

  /** A result without work. */
  private report(
    status: Result['status'],
    command: string,
    id: string | null,
    exitCode: number,
    message: string,
  ): void {
    const result = this.resultOf(status, exitCode, message);
    if (id === null) this.host.send(statusFrame(command, result));
    else this.host.outbox.finish(this.host.outbox.begin(id, command), result);
    this.host.emit({ type: 'ended', command, id, result: status });
  }

  // ── ends ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  private async stop(id: string | null, target: string | null): Promise<void> {
    const running = this.current;
    if (running === null || (id === null && running.pid === null) || (target !== null && running.id !== target)) {
      this.report('error', 'stop', id, 1, 'no command running');
      return;
    }
    const entry = id === null ? null : this.takeUp('stop', id);
    this.interrupt(running);
    await running.done;
    if (entry) {
      this.finish(running, 'stopped', 130, 'terminated by user');
      this.host.outbox.finish(entry, this.resultOf('ok', 0, ''));
      return;
    }
    const { stop, restartMs } = this.host.behaviour;
    if (stop !== 'exit') this.finish(running, 'stopped', 130, 'terminated by user');
    if (stop === 'two-results') {
      this.finish(running, 'error', -1, 'command failed');
      this.host.heartbeat();
    } else {
      await this.host.endProcess('goodbye', restartMs);
    }
  }

  private async restart(id: string | null): Promise<void> {
    const entry = id === null ? null : this.takeUp('restart', id);
    this.exiting = true;
    const running = this.current;
    if (running) {
      this.interrupt(running);
      await running.done;
      if (running.entry) this.finish(running, 'stopped', 130, 'the agent was restarted');
    }
    if (entry) await this.settle(entry, 'the agent restarts');
    await this.host.endProcess('goodbye', this.host.behaviour.restartMs);
  }

  private async reboot(id: string | null): Promise<void> {
    const { rebootDelayMs, rebootMs } = this.host.behaviour;
    this.exiting = true;
    const entry = id === null ? null : this.takeUp('reboot', id);
    const line = `⚠️  Reboot command received. System will reboot in ${rebootDelayMs / 1_000} seconds...`;
    if (entry) this.host.outbox.add(entry, 'stdout', [line]);
    else this.say(null, 'stdout', [line]);
    await this.host.pauses.wait(rebootDelayMs);
    if (entry) await this.settle(entry, 'the host reboots');
    await this.host.endProcess('goodbye', rebootMs);
  }

  /** Ends the wait of a command; its script goes no further. */
  private interrupt(running: Running): void {
    running.ended = true;
    running.wake();
  }

  private async settle(entry: OutboxEntry, message: string): Promise<void> {
    this.host.outbox.finish(entry, this.resultOf('ok', 0, message, true));
    await this.acknowledged(entry);
  }

  private async acknowledged(entry: OutboxEntry): Promise<void> {
    await this.host.pauses.wait(ACK_TIMEOUT_MS, (wake) => this.host.outbox.whenSettled(entry, wake));
  }
}

/** The time as agents write it: UTC, RFC 3339, without fractions. */
export const wireTime = () => new Date().toISOString().replace(/\.\d+Z$/, 'Z');

function isRunCommand(name: string): name is RunCommand {
  return WIRE_COMMANDS.some((command) => command === name) && !['stop', 'restart', 'reboot'].includes(name);
}
