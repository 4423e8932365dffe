/** Plays a case of how a command ends against a fleet, whatever carries the frames. */
import { expect } from 'vitest';
import type { FleetService } from '../../service';
import type { CommandView } from '@/lib/protocol/live/views/command-view';
import type { OperationId } from '@/lib/protocol/operation-ids';
import { BY } from '../test-fleet';
import type { TestDesiredSource } from '../test-desired';
import { QUIET_BEAT, type EndCase, type ExpectedEnd, type Step, type Steps } from './end-case';

export interface ReceivedFrame {
  type: string;
  payload: Record<string, unknown>;
}

/** A fleet with one agent, driven by a test. */
export interface EndStage {
  readonly fleet: FleetService;
  readonly desired: TestDesiredSource;
  /** Opens the agent's connection; the previous one has ended. */
  dial(): Promise<void>;
  /** Sends a frame of the agent; resolves when the dashboard has read it. */
  send(type: string, payload: unknown): Promise<void>;
  /** The `count`th frame on this connection that fits; rejects or never resolves when it does not arrive. */
  frame(fits: (frame: ReceivedFrame) => boolean, count: number): Promise<ReceivedFrame>;
  /** All frames of this connection so far. */
  frames(): readonly ReceivedFrame[];
  close(code: number): Promise<void>;
  /** Sends these frames on another connection. Returns what was received there. */
  intrude(frames: readonly (readonly [string, unknown])[]): Promise<readonly ReceivedFrame[]>;
  advance(ms: number): Promise<void>;
  setClock(ms: number): void;
  /** Resolves when the condition holds. */
  until(fits: () => boolean | Promise<boolean>): Promise<void>;
  restartDashboard?(): Promise<void>;
  shutDown(): Promise<void>;
}

const nameOf = (frame: ReceivedFrame): string =>
  frame.type === 'command' ? String(frame.payload.command) : frame.type;
const isCommand = ({ type }: ReceivedFrame) => type === 'command' || type === 'kill_command';
const flat = (steps: Steps): Step[] => steps.flatMap((step) => ('do' in step ? [step] : flat(step)));

class EndPlayer {
  readonly ids = new Map<OperationId, string>();
  /** Frames that the present connection has received and the case has named. */
  private registered = 0;
  private commands = 0;
  private unexpected: string[] = [];

  constructor(
    private readonly stage: EndStage,
    private readonly register: Record<string, unknown>,
  ) {}

  async request(operation: OperationId): Promise<void> {
    const requestId = `${operation}-${this.ids.size}`;
    const request = { operation, hostIds: ['h1'], requestId, stepUp: true, by: BY };
    const [result] = await this.stage.fleet.dispatch(request);
    if (result?.kind !== 'accepted') throw new Error(`${operation} was not accepted: ${JSON.stringify(result)}`);
    this.ids.set(operation, result.commandId);
  }

  async command(operation: OperationId): Promise<CommandView> {
    const command = await this.stage.fleet.command(this.idOf(operation));
    if (!command) throw new Error(`no command ${operation}`);
    return command;
  }

  async ended(operation: OperationId): Promise<CommandView> {
    await this.stage.until(async () => (await this.command(operation)).outcome !== null);
    return this.command(operation);
  }

  async dial(register: Record<string, unknown>): Promise<void> {
    this.noteUnexpected();
    await this.stage.dial();
    [this.registered, this.commands] = [0, 0];
    await this.stage.send('register', { hostname: 'h1', generation: '3c9a808', ...this.register, ...register });
    await this.receiveRegistered();
  }

  /** Commands that the agent received and the case does not name. */
  unnamed(): string[] {
    this.noteUnexpected();
    return this.unexpected;
  }

  async step(step: Step): Promise<void> {
    const { stage } = this;
    switch (step.do) {
      case 'request':
        return this.request(step.operation);
      case 'extend':
        expect(await stage.fleet.extend(this.idOf(step.operation), step.ms, BY)).toBe(true);
        return;
      case 'receive': {
        this.commands += 1;
        expect(nameOf(await stage.frame(isCommand, this.commands))).toBe(step.name);
        return;
      }
      case 'send': {
        const id = step.about === undefined ? {} : { command_id: this.idOf(step.about) };
        return stage.send(step.type, { ...step.payload, ...id });
      }
      case 'answer':
        await this.receiveRegistered();
        return stage.send('heartbeat', step.payload);
      case 'close':
        await stage.close(step.code);
        return stage.until(() => stage.fleet.host('h1')?.online === false);
      case 'dial': {
        const { runs, kept } = step;
        const running = runs && { command_id: this.idOf(runs), command: runs, pid: 7 };
        return this.dial({
          ...step.register,
          ...(running ? { running } : {}),
          ...(kept ? { finished: [this.idOf(kept)] } : {}),
        });
      }
      case 'intrude': {
        const received = await stage.intrude([['register', { hostname: 'h1' }], ...step.frames]);
        expect(received.map(({ type }) => type)).not.toContain('registered');
        return;
      }
      case 'later':
        // Frames sent before are processed before the time passes.
        await stage.fleet.settled();
        return stage.advance(step.ms);
      case 'set-clock':
        await stage.fleet.settled();
        stage.setClock(step.ms);
        return;
      case 'phase':
        return stage.until(async () => (await this.command(step.operation)).phase === step.phase);
      case 'still':
        await stage.fleet.settled();
        expect(await this.command(step.operation)).toMatchObject({ outcome: null });
        return;
      case 'ended':
        await this.ended(step.operation);
        return;
      case 'restart-dashboard':
        if (!stage.restartDashboard) throw new Error('this player can’t restart the dashboard');
        await stage.fleet.settled();
        this.noteUnexpected();
        return stage.restartDashboard();
    }
  }

  private idOf(operation: OperationId): string {
    const id = this.ids.get(operation);
    if (id === undefined) throw new Error(`${operation} was not requested`);
    return id;
  }

  private async receiveRegistered(): Promise<void> {
    this.registered += 1;
    await this.stage.frame(({ type }) => type === 'registered', this.registered);
  }

  private noteUnexpected(): void {
    this.unexpected.push(...this.stage.frames().filter(isCommand).slice(this.commands).map(nameOf));
    this.commands = Infinity;
  }
}

/**
 * Plays a case to its end: each command ends as expected with a sentence, and the host is free afterwards. Returns them
 * by operation.
 */
export async function playEndCase(stage: EndStage, one: EndCase): Promise<ReadonlyMap<OperationId, CommandView>> {
  const { operation, before = [], steps, ends, others = {}, register = {}, desired, after = {} } = one;
  if (desired) {
    stage.desired.set(desired.state);
    for (const [commit, relation] of Object.entries(desired.relations)) stage.desired.relations.set(commit, relation);
  }
  const player = new EndPlayer(stage, register);
  await player.dial({});
  await stage.send('heartbeat', QUIET_BEAT);
  for (const step of flat(before)) await player.step(step);
  await player.request(operation);
  for (const step of flat(steps)) await player.step(step);
  await expectEnd(player, operation, ends);
  for (const [id, expected] of Object.entries(others) as [OperationId, ExpectedEnd][]) {
    await expectEnd(player, id, expected);
  }
  expect(new Set([operation, ...Object.keys(others)])).toEqual(new Set(player.ids.keys()));
  // The host is free again, and nothing was sent that the case does not name.
  await stage.until(() => stage.fleet.host('h1')?.command === null);
  const host = stage.fleet.host('h1');
  expect(host).toMatchObject({ command: null, control: null, dashboardCommand: null, queue: [] });
  expect(player.unnamed()).toEqual([]);
  for (const [name, [status, message]] of Object.entries(after)) {
    expect({ name, ...host?.compartments[name as keyof typeof after] }).toMatchObject({
      ...{ name, status, message: expect.stringContaining(message) as string },
    });
  }
  await expectNotes(stage, player.ids.get(operation) ?? '', one.notes);
  const commands = await Promise.all([...player.ids.keys()].map(async (id) => [id, await player.command(id)] as const));
  return new Map(commands);
}

async function expectEnd(player: EndPlayer, operation: OperationId, expected: ExpectedEnd): Promise<void> {
  const { outcome, reason, exitCode } = await player.ended(operation);
  const { reason: part = '', exitCode: code = exitCode } = expected;
  expect({ operation, outcome, reason, exitCode }).toEqual({
    operation,
    outcome: expected.outcome,
    reason: expect.stringContaining(part) as string,
    exitCode: code,
  });
  expect(reason).toMatch(/^\S.*[.!?…]$/s);
}

async function expectNotes(stage: EndStage, id: string, expected: readonly string[] | undefined): Promise<void> {
  if (!expected) return;
  // That a switch is not confirmed with these agents is no part of its end.
  const notes = (await stage.fleet.output(id, 0, 1_000)).filter(
    ({ stream, text }) => stream === 'note' && !text.startsWith('Not confirmed: '),
  );
  expect(notes.map(({ text }) => text)).toEqual(expected.map((part) => expect.stringContaining(part) as string));
}
