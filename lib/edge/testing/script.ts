/** Agents that play a script against the dashboard: each step is one action over a real socket. */
import { once } from 'node:events';
import { BY, createTestServer, type AgentClient } from './test-server';
import { ShiftedClock } from './shifted-clock';
import type { CommandOutcome } from '@/lib/protocol/command-phases';
import type { CommandView } from '@/lib/protocol/live/views/command-view';
import type { OperationId } from '@/lib/protocol/operation-ids';

export type Step = (player: Player) => Promise<void>;
export type Script = readonly (Step | Step[])[];

export class Player {
  readonly ids = new Map<OperationId, string>();
  private agent!: AgentClient;
  private received = { registered: 0, commands: 0 };

  private constructor(
    readonly server: Awaited<ReturnType<typeof createTestServer>>,
    readonly clock: ShiftedClock,
    private readonly register: Record<string, unknown>,
  ) {}

  static async open(register: Record<string, unknown>): Promise<Player> {
    const clock = new ShiftedClock();
    const player = new Player(await createTestServer({ clock }), clock, register);
    await player.dial({});
    await player.send('heartbeat', QUIET_BEAT);
    return player;
  }

  async play(script: Script): Promise<void> {
    for (const step of script.flat()) await step(this);
  }

  async ask(operation: OperationId): Promise<void> {
    const requestId = `${operation}-${this.ids.size}`;
    const [result] = await this.server.fleet.dispatch({ operation, hostIds: ['h1'], requestId, stepUp: true, by: BY });
    if (result?.kind !== 'accepted') throw new Error(`${operation} was not accepted: ${JSON.stringify(result)}`);
    this.ids.set(operation, result.commandId);
  }

  async command(operation: OperationId): Promise<CommandView> {
    const command = await this.server.fleet.command(this.ids.get(operation) ?? '');
    if (!command) throw new Error(`no command ${operation}`);
    return command;
  }

  async dial(more: Record<string, unknown>): Promise<void> {
    this.agent = await this.server.agent();
    this.received = { registered: 0, commands: 0 };
    this.agent.send('register', { hostname: 'h1', generation: '3c9a808', ...this.register, ...more });
    await this.receiveRegistered();
  }

  /** Another process connects with the same name; it receives nothing. */
  async intrude(frames: readonly [string, unknown][]): Promise<void> {
    const other = await this.server.agent();
    for (const [type, payload] of frames) other.send(type, payload);
    await settled(other);
    if (other.inbox.all.some((frame) => frame.type === 'registered')) throw new Error('the intruder was admitted');
  }

  /** Sends a frame, and goes on when the dashboard has read it. */
  async send(type: string, payload: unknown): Promise<void> {
    this.agent.send(type, payload);
    await settled(this.agent);
  }

  async receiveRegistered(): Promise<void> {
    this.received.registered += 1;
    await this.receive('registered', () => true, this.received.registered);
  }

  async receiveCommand(name: string): Promise<void> {
    this.received.commands += 1;
    const isCommand = ({ type }: { type: string }) => type === 'command' || type === 'kill_command';
    const frame = await this.nth(isCommand, this.received.commands);
    const received = frame.type === 'command' ? frame.payload.command : frame.type;
    if (received !== name) throw new Error(`received ${String(received)}, not ${name}`);
  }

  async close(code: number): Promise<void> {
    this.agent.socket.close(code, 'shutdown');
    await once(this.agent.socket, 'close');
    await this.server.until(() => this.server.fleet.host('h1')?.online === false);
  }

  async drop(): Promise<void> {
    this.agent.socket.terminate();
    await this.server.until(() => this.server.fleet.host('h1')?.online === false);
  }

  /** All commands that were put on the wire of the present connection. */
  get wire(): string[] {
    return this.agent.inbox.all.flatMap(({ type, payload }) =>
      type === 'command' ? [String(payload.command)] : type === 'kill_command' ? [type] : [],
    );
  }

  private async receive(type: string, fits: () => boolean, count: number): Promise<void> {
    await this.nth((frame) => frame.type === type && fits(), count);
  }

  private async nth(fits: (frame: { type: string }) => boolean, count: number) {
    return this.agent.inbox.find((frame) => {
      const all = this.agent.inbox.all.filter(fits);
      return all[count - 1] === frame;
    });
  }
}

export const QUIET_BEAT = { generation: '3c9a808', pending_command: null, command_pid: null, metrics: null };

/** The dashboard has read everything that was sent before. */
async function settled(agent: AgentClient): Promise<void> {
  agent.socket.ping();
  await once(agent.socket, 'pong');
}

const PHASES: Record<string, number> = { pull: 4, system: 3, tests: 8 };

export const ask =
  (operation: OperationId): Step =>
  async (player) => {
    await player.ask(operation);
  };
/** Waits for a command on the wire, by its name. */
export const receive =
  (name: string): Step =>
  (player) =>
    player.receiveCommand(name);
export const send =
  (type: string, payload: unknown): Step =>
  (player) =>
    player.send(type, payload);
export const op = (phase: string, status: 'in_progress' | 'complete' | 'error'): Step =>
  send('operation_progress', {
    progress: { [phase]: { current: status === 'complete' ? PHASES[phase] : 0, total: PHASES[phase], status } },
  });
export const out = (line: string, stream: 'stdout' | 'stderr' = 'stdout'): Step =>
  send('output', { line, stream, command: '', is_error: false });
export const st = (status: string, command: string, exitCode: number, message?: string): Step =>
  send('status', { status, command, exit_code: exitCode, ...(message === undefined ? {} : { message }) });
export const beat = (pending: string | null = null, more: Record<string, unknown> = {}): Step =>
  send('heartbeat', { ...QUIET_BEAT, pending_command: pending, ...more });
/** Every agent answers a `registered` with a heartbeat at once. */
export const answer =
  (more: Record<string, unknown> = {}): Step =>
  async (player) => {
    await player.receiveRegistered();
    await player.send('heartbeat', { ...QUIET_BEAT, ...more });
  };
export const close =
  (code: number): Step =>
  (player) =>
    player.close(code);
export const drop: Step = (player) => player.drop();
export const dial =
  (register: Record<string, unknown> = {}): Step =>
  (player) =>
    player.dial(register);
export const intrude =
  (...frames: [string, unknown][]): Step =>
  (player) =>
    player.intrude([['register', { hostname: 'h1' }], ...frames]);
export const later =
  (ms: number): Step =>
  async (player) => {
    // Frames sent before are processed before the time passes.
    await player.server.fleet.settled();
    player.clock.advance(ms);
  };
/** The host is still busy with it: nothing has ended it too early. */
export const still =
  (operation: OperationId): Step =>
  async (player) => {
    const { outcome, phase } = await player.command(operation);
    if (outcome !== null) throw new Error(`${operation} has ended already: ${outcome} (${phase})`);
    return Promise.resolve();
  };
export const ended =
  (operation: OperationId): Step =>
  (player) =>
    player.server.until(async () => (await player.command(operation)).outcome !== null);

export interface Expected {
  outcome: CommandOutcome;
  /** A part of the sentence. */
  reason?: string;
}
