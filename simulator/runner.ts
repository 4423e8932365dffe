/** Runs commands as the behaviour says, one at a time; stop, kill, restart and reboot don't wait for the running one. */
import type { CommandResult } from '@/lib/outbox/command-memory';
import type { Outbox, OutboxEntry } from '@/lib/outbox/outbox';
import { outputFrame, progressFrame, statusFrame, type WireReports } from './agent-frames';
import { behaviourOf, type Behaviour } from './behaviour';
import type { AgentEvent } from './events';
import type { SimulatedFacts } from './host-facts';
import type { Pauses } from './pauses';
import { stepsOf, type RunCommand, type ScriptStep } from './script';
import { Trial } from './trial';
import { WIRE_COMMANDS } from '@/lib/protocol/agent/wire-commands';
import type { RefusedReason } from '@/lib/protocol/agent/host-policy';
import type { AgentFrameInput } from '@/lib/protocol/agent/from-agent';
import type { OutputStream } from '@/lib/protocol/output-stream';

/** Lines of a command are sent in portions of about this duration. */
const PORTION_MS = 100;
/** How long a planned exit waits for the acknowledgement of the last result. */
const ACK_TIMEOUT_MS = 5_000;
/** The longest possible timer: 24 days. */
const NEVER_MS = 2_147_483_647;
const FIRST_PID = 1_000;

/** What the runner needs of its agent. */
export interface ScriptRunnerHost {
  readonly behaviour: Behaviour;
  readonly facts: SimulatedFacts;
  readonly reports: () => WireReports;
  /** The outbox of the current process. */
  readonly outbox: () => Outbox;
  readonly pauses: Pauses;
  /** The commit of the clone after a pull. */
  readonly pullsTo: string | undefined;
  /** Why the host refuses a command; null when it accepts it. */
  readonly refuses: (command: string) => string | null;
  /** The protocol of the current connection; null without one. */
  readonly negotiated: () => 2 | 3 | null;
  readonly send: (frame: AgentFrameInput) => void;
  readonly heartbeat: () => void;
  readonly emit: (event: AgentEvent) => void;
  /** Installs another agent binary, which the next process runs. */
  readonly install: () => void;
  /** Ends the process, with or without a close frame; another one starts after the pause. */
  readonly endProcess: (how: 'closed' | 'broken', pauseMs: number) => Promise<void>;
  /** Opens a new connection in place of this one; resolves when it is registered. */
  readonly reconnect: () => Promise<void>;
  /** Runs work that closing the agent waits for. */
  readonly task: (work: () => Promise<void>) => Promise<void>;
}

export interface RunningScript {
  readonly command: RunCommand;
  readonly id: string | null;
  readonly entry: OutboxEntry | null;
  readonly pid: number | null;
  /** Set when it must end before its script does. */
  ended: boolean;
  /** The status that was sent. */
  result: string | null;
  /** Ends the current pause. */
  wake: () => void;
  done: Promise<void>;
}

export class ScriptRunner {
  private current: RunningScript | null = null;
  /** The process is about to end or has ended: commands are refused. */
  private exiting = false;
  private pids = FIRST_PID;
  /** The confirmed switch under way. */
  private trial: Trial | null = null;

  constructor(private readonly host: ScriptRunnerHost) {}

  get running(): RunningScript | null {
    return this.current;
  }

  /** The process ended, and its running command with it. */
  processEnded(): void {
    this.exiting = true;
    if (this.current) this.interrupt(this.current);
    this.current = null;
  }

  processStarted(): void {
    this.exiting = false;
  }

  /** A `command` frame. `id` is null on a connection without ids. */
  command(command: string, id: string | null, target: string | null, windowS: number | null = null): void {
    const { task } = this.host;
    if (id !== null && !this.isNew(id, command)) return;
    const refusal = this.host.refuses(command);
    if (command === 'stop') void task(() => this.stop(id, target));
    else if (refusal !== null) this.report('error', command, id, 77, refusal, 'operation');
    else if (command === 'restart') void task(() => this.restart(id));
    else if (command === 'reboot' && !this.exiting) void task(() => this.reboot(id));
    else if (this.current !== null || this.exiting) this.reject(command, id);
    else if (!isRunCommand(command)) this.report('error', command, id, 1, 'unknown command');
    else this.runScript(command, id, windowS);
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
        // The Go agent is in its child's process group: the signal ends both.
        else await this.host.endProcess(signal === 'SIGKILL' ? 'broken' : 'closed', this.host.behaviour.restartMs);
      });
    }
  }

  /** A known id is answered from memory and never run again. */
  private isNew(id: string, command: string): boolean {
    const { send } = this.host;
    const outbox = this.host.outbox();
    switch (outbox.stateOf(id)) {
      case 'new':
        return true;
      case 'running':
        send({ type: 'started', payload: { command_id: id } });
        return false;
      case 'refused':
        send({ type: 'command_rejected', payload: { reason: 'refused before', command_id: id } });
        return false;
      case 'finished':
        outbox.resendResult(id);
        return false;
      case 'lost':
        this.report('error', command, id, 1, 'the agent ended while this command ran');
        return false;
    }
  }

  private reject(command: string, id: string | null): void {
    const running = this.current;
    if (id !== null) this.host.outbox().refuse(id, command);
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

  private accept(command: string, id: string): OutboxEntry {
    const entry = this.host.outbox().begin(id, command);
    this.host.send({ type: 'started', payload: { command_id: id } });
    return entry;
  }

  /** The dashboard's answer to a confirmed switch. */
  confirm(id: string, keep: boolean): void {
    if (this.current?.id === id) this.trial?.answer(keep);
  }

  /** The connection was registered: a trial reports on each. */
  registered(): void {
    this.trial?.report();
  }

  private runScript(command: RunCommand, id: string | null, windowS: number | null): void {
    const { behaviour, facts, reports } = this.host;
    const script = stepsOf(
      command,
      behaviourOf(behaviour, command),
      {
        hostType: facts.hostType,
        lock: reports().lock.status,
        system: reports().system.status || 'ok',
        version: facts.agentVersion,
      },
      id === null ? null : windowS,
    );
    const running: RunningScript = {
      command,
      id,
      entry: id === null ? null : this.accept(command, id),
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

  private async play(running: RunningScript, step: ScriptStep): Promise<void> {
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
      case 'trial':
        await this.tryOut(running, step.windowS);
        return;
      case 'pull':
        this.host.facts.generation = this.host.pullsTo ?? this.host.facts.generation;
        return;
      case 'install':
        this.host.install();
        return;
      case 'report':
        this.host.reports()[step.compartment] = { status: step.status, message: step.message, checked_at: wireTime() };
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
          if (running.entry) await this.whenAcknowledged(running.entry);
          await this.host.pauses.wait(this.host.behaviour.exitDelayMs);
        }
        await this.host.endProcess(step.how === 'crash' ? 'broken' : 'closed', this.host.behaviour.restartMs);
    }
  }

  private async work(running: RunningScript, share: number): Promise<void> {
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

  private async tryOut(running: RunningScript, windowS: number): Promise<void> {
    const { id } = running;
    if (id === null) return;
    const { pace, trial } = this.host.behaviour;
    const one = new Trial({
      id,
      windowS,
      behaviour: trial,
      send: (frame) => this.host.send(frame),
      reconnect: () => this.host.reconnect(),
      pause: (ms) => this.pause(running, ms * pace),
      wait: (ms, onStart) => this.host.pauses.wait(ms, onStart),
      isOver: () => running.ended,
    });
    this.trial = one;
    const end = await one.run();
    this.trial = null;
    if (end === 'kept' || running.ended) return;
    this.finish(running, 'error', 1, end.message, false, end.reason);
    running.ended = true;
  }

  private async pause(running: RunningScript, ms: number): Promise<void> {
    await this.host.pauses.wait(ms, (wake) => {
      running.wake = wake;
    });
  }

  private say(running: RunningScript | null, stream: OutputStream, lines: readonly string[]): void {
    if (running?.entry) {
      // In protocol 3 no line follows the result.
      if (running.result === null) this.host.outbox().addLines(running.entry, stream, lines);
      return;
    }
    if (this.host.negotiated() !== 2) return;
    for (const line of lines) this.host.send(outputFrame(stream, line));
  }

  private resultOf(
    status: CommandResult['status'],
    exitCode: number,
    message: string,
    restarting = false,
    rolledBack?: string,
  ): Omit<CommandResult, 'lastSeq'> {
    return { status, exitCode, message, generation: this.host.facts.generation, restarting, rolledBack };
  }

  /** Sends the result of a command; in protocol 3 the next command may run from here on. */
  private finish(
    running: RunningScript,
    status: CommandResult['status'],
    exitCode: number,
    message: string,
    restarting = false,
    rolledBack?: string,
  ): void {
    const again = running.result !== null;
    running.result = status;
    const result = this.resultOf(status, exitCode, message, restarting, rolledBack);
    const { entry, id } = running;
    if (entry === null || id === null) {
      this.host.send(statusFrame(running.command, result));
      return;
    }
    if (this.current === running) this.current = null;
    if (again) this.host.outbox().resendResult(id);
    else this.host.outbox().finish(entry, result);
  }

  /** Sends a result without any work. */
  private report(
    status: CommandResult['status'],
    command: string,
    id: string | null,
    exitCode: number,
    message: string,
    refusal?: RefusedReason,
  ): void {
    const result = { ...this.resultOf(status, exitCode, message), refusal };
    if (id === null) this.host.send(statusFrame(command, result));
    else this.host.outbox().finish(this.host.outbox().begin(id, command), result);
    this.host.emit({ type: 'ended', command, id, result: status });
  }

  private async stop(id: string | null, target: string | null): Promise<void> {
    const running = this.current;
    if (running === null || (id === null && running.pid === null) || (target !== null && running.id !== target)) {
      this.report('error', 'stop', id, 1, 'no command running');
      return;
    }
    const entry = id === null ? null : this.accept('stop', id);
    this.interrupt(running);
    await running.done;
    if (entry) {
      this.finish(running, 'stopped', 130, 'terminated by user');
      this.host.outbox().finish(entry, this.resultOf('ok', 0, ''));
      return;
    }
    const { stop, restartMs } = this.host.behaviour;
    if (stop !== 'exit') this.finish(running, 'stopped', 130, 'terminated by user');
    if (stop === 'two-results') {
      this.finish(running, 'error', -1, 'command failed');
      this.host.heartbeat();
    } else {
      await this.host.endProcess('closed', restartMs);
    }
  }

  private async restart(id: string | null): Promise<void> {
    const entry = id === null ? null : this.accept('restart', id);
    this.exiting = true;
    const running = this.current;
    if (running) {
      this.interrupt(running);
      await running.done;
      if (running.entry) this.finish(running, 'stopped', 130, 'the agent was restarted');
    }
    if (entry) await this.finishAndWait(entry, 'the agent restarts');
    await this.host.endProcess('closed', this.host.behaviour.restartMs);
  }

  private async reboot(id: string | null): Promise<void> {
    const { rebootDelayMs, rebootMs } = this.host.behaviour;
    this.exiting = true;
    const entry = id === null ? null : this.accept('reboot', id);
    const line = `⚠️  Reboot command received. System will reboot in ${rebootDelayMs / 1_000} seconds...`;
    if (entry) this.host.outbox().addLines(entry, 'stdout', [line]);
    else this.say(null, 'stdout', [line]);
    await this.host.pauses.wait(rebootDelayMs);
    if (entry) await this.finishAndWait(entry, 'the host reboots');
    await this.host.endProcess('closed', rebootMs);
  }

  /** Ends the pause of a command; its script stops there. */
  private interrupt(running: RunningScript): void {
    running.ended = true;
    running.wake();
  }

  private async finishAndWait(entry: OutboxEntry, message: string): Promise<void> {
    this.host.outbox().finish(entry, this.resultOf('ok', 0, message, true));
    await this.whenAcknowledged(entry);
  }

  private async whenAcknowledged(entry: OutboxEntry): Promise<void> {
    await this.host.pauses.wait(ACK_TIMEOUT_MS, (wake) => void this.host.outbox().whenSettled(entry).then(wake));
  }
}

/** The time in the form of agents: UTC, RFC 3339, without fractions. */
export const wireTime = () => new Date().toISOString().replace(/\.\d+Z$/, 'Z');

function isRunCommand(name: string): name is RunCommand {
  return WIRE_COMMANDS.some((command) => command === name) && !['stop', 'restart', 'reboot'].includes(name);
}
