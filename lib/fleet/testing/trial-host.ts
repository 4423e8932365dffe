/**
 * A host that plays confirmed switches: an agent that restarts, loses frames and acts on answers late or twice, and a
 * timer that goes back by itself. It keeps what really happened to each switch, for a test to compare with.
 */
import { QUIET, type Bench, type TestLink } from './test-fleet';
import { AGENT_CAPABILITIES, ROOT_HELPER_CAPABILITIES } from '@/lib/protocol/agent/capabilities';
import type { RolledBackReason } from '@/lib/protocol/agent/confirmation';
import type { ServerFrame } from '@/lib/protocol/agent/to-agent';

type Check = 'pending' | 'passed' | 'failed';

interface Trial {
  id: string;
  confirmed: boolean;
  stage: 'building' | 'activating' | 'waiting';
  check: Check;
  /** When the timer fires, by the host's clock; null before it is armed. */
  firesAt: number | null;
}

interface Dialled {
  link: TestLink;
  /** How many frames of the dashboard the agent has read. */
  read: number;
  /** It was made after the activation. */
  isFresh: boolean;
  /** What the agent sends is lost: the connection is dead, and neither side knows. */
  isMute: boolean;
}

const NAME = 'h1';

export class TrialHost {
  /** By the id of the command: the system that runs since it ended. */
  readonly truth = new Map<string, 'new' | 'old'>();
  private system: 'old' | 'new' = 'old';
  private atBoot: 'old' | 'new' = 'old';
  private trial: Trial | null = null;
  private results: { id: string; payload: Record<string, unknown> }[] = [];
  private at: Dialled | null = null;
  private readonly earlier: Dialled[] = [];
  /** The host's clock, which nobody sets. */
  private time = 0;
  private process = 0;
  /** The agent has lost its state: nothing of the trial is reported any more. */
  forgot = false;

  constructor(private readonly bench: Bench) {}

  async dial(): Promise<void> {
    await this.hangUp();
    const { trial } = this;
    const running = trial && !this.forgot ? { command_id: trial.id } : null;
    const link = await this.bench.agent(NAME, {
      host_type: 'nixos',
      protocol: 3,
      instance: `process-${this.process}`,
      running,
      finished: this.results.map(({ id }) => id),
      capabilities: [...AGENT_CAPABILITIES, ...ROOT_HELPER_CAPABILITIES],
      ...this.facts(),
    });
    this.at = { link, read: 0, isFresh: trial?.stage === 'waiting', isMute: false };
    await this.report();
    await this.deliver();
    await this.beat();
  }

  async hangUp(): Promise<void> {
    if (this.at === null) return;
    const { link } = this.at;
    this.earlier.push(this.at);
    this.at = null;
    await this.bench.hangUp(link);
  }

  /** The dashboard was killed: its connections are gone. */
  cut(): void {
    if (this.at) this.earlier.push(this.at);
    this.at = null;
  }

  mute(): void {
    if (this.at) this.at.isMute = true;
  }

  async beat(): Promise<void> {
    const shown = this.trial && !this.forgot ? { pending_command: 'switch', command_id: this.trial.id } : {};
    await this.say('heartbeat', { ...QUIET, ...this.facts(), ...shown });
  }

  /** Reads what the dashboard has sent on this connection. */
  async read(): Promise<void> {
    if (this.at) await this.readFrom(this.at);
  }

  /** What it sent on an earlier connection arrives late. */
  async readLate(): Promise<void> {
    for (const dialled of this.earlier) await this.readFrom(dialled);
  }

  /** Everything of this connection arrives once more. */
  async readTwice(): Promise<void> {
    if (this.at === null) return;
    this.at.read = 0;
    await this.readFrom(this.at);
  }

  /** The next thing of the switch happens: the activation begins, ends, the checks end. */
  async goOn(check: Check): Promise<void> {
    const { trial } = this;
    if (trial === null) return;
    if (trial.stage === 'building') {
      trial.stage = 'activating';
      trial.firesAt = this.time + 240_000;
      this.system = 'new';
    } else if (trial.stage === 'activating') {
      trial.stage = 'waiting';
      trial.firesAt = this.time + 180_000;
      this.process += 1;
    } else {
      trial.check = check;
      if (check === 'failed') await this.goBack('check-failed');
    }
    await this.report();
  }

  /** Time passes on the host. */
  async pass(ms: number): Promise<void> {
    this.time += ms;
    const { trial } = this;
    if (trial?.firesAt != null && trial.firesAt <= this.time) await this.goBack('no-contact');
  }

  async reboot(): Promise<void> {
    await this.hangUp();
    this.process += 1;
    if (this.trial === null) return;
    if (this.trial.stage === 'building') await this.end({ status: 'error', message: 'the host restarted' }, 'old');
    else await this.goBack('restarted');
  }

  /** The agent's state folder is lost. */
  forget(): void {
    if (this.trial === null) return;
    this.forgot = true;
    this.results = [];
  }

  private async readFrom(dialled: Dialled): Promise<void> {
    for (; dialled.read < dialled.link.frames.length; dialled.read += 1) {
      const frame = dialled.link.frames[dialled.read];
      if (frame) await this.receive(frame, dialled);
    }
  }

  private async receive(frame: ServerFrame, { isFresh }: Dialled): Promise<void> {
    if (frame.type === 'command' && frame.payload.command === 'switch' && frame.payload.id !== undefined) {
      const { id, confirm } = frame.payload;
      const isKnown = this.trial !== null || this.truth.has(id);
      if (isKnown || this.forgot) return;
      this.system = this.atBoot = 'old';
      this.trial = { id, confirmed: confirm !== undefined, stage: 'building', check: 'pending', firesAt: null };
      await this.say('started', { command_id: id });
      return;
    }
    const { trial } = this;
    if (frame.type !== 'confirm' || trial?.id !== frame.payload.command_id) return;
    if (!isFresh || trial.stage !== 'waiting') return;
    if (frame.payload.keep) await this.keep();
    else await this.goBack('operator');
  }

  private async keep(): Promise<void> {
    this.system = this.atBoot = 'new';
    await this.end({ status: 'ok', exit_code: 0, restarting: false }, 'new');
  }

  private async goBack(why: RolledBackReason): Promise<void> {
    this.system = this.atBoot;
    this.process += 1;
    await this.end({ status: 'error', exit_code: 1, rolled_back: why }, 'old');
  }

  private async end(payload: Record<string, unknown>, runs: 'new' | 'old'): Promise<void> {
    const { trial } = this;
    this.trial = null;
    if (trial === null) return;
    this.truth.set(trial.id, runs);
    if (this.forgot) return;
    this.results.push({ id: trial.id, payload: { command: 'switch', command_id: trial.id, last_seq: 0, ...payload } });
    await this.deliver();
    await this.beat();
  }

  private async deliver(): Promise<void> {
    for (const { payload } of this.results) await this.say('status', payload);
  }

  private async report(): Promise<void> {
    const { trial } = this;
    if (trial === null || this.forgot || !trial.confirmed || trial.stage === 'building') return;
    await this.say('confirmation', {
      command_id: trial.id,
      stage: trial.stage,
      seconds_left: Math.max(0, Math.round(((trial.firesAt ?? 0) - this.time) / 1_000)),
      system: '/nix/store/b-new',
      previous: '/nix/store/a-old',
      checks: [{ name: 'units', kind: 'units', status: trial.check, before: 'passed', enforced: true, reason: '' }],
      reason: '',
    });
  }

  private facts(): Record<string, string> {
    return { store_path: `/nix/store/agent-${this.system}`, binary_hash: this.system };
  }

  private async say(type: string, payload: unknown): Promise<void> {
    if (this.at && !this.at.isMute) await this.bench.say(this.at.link, type, payload);
  }
}
