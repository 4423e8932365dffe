/**
 * A confirmed switch of a simulated host: it activates a system, opens a new connection, runs its checks and waits for
 * the answer (docs/protocol.md, 7.6). Its timer goes back by itself.
 */
import type { TrialBehaviour } from './behaviour';
import type { AgentFrameInput } from '@/lib/protocol/agent/from-agent';
import type { CheckStatus, ConfirmationStage, RolledBackReason } from '@/lib/protocol/agent/confirmation';

export interface TrialOptions {
  id: string;
  /** Seconds that it waits after the activation. */
  windowS: number;
  behaviour: TrialBehaviour;
  send: (frame: AgentFrameInput) => void;
  /** Opens a new connection; resolves when it is registered. */
  reconnect: () => Promise<void>;
  /** Resolves after a time of the behaviour, or when the command is ended. */
  pause: (ms: number) => Promise<void>;
  /** Resolves after `ms`, or when `wake` is called. */
  wait: (ms: number, onStart: (wake: () => void) => void) => Promise<void>;
  /** The command was ended from outside. */
  isOver: () => boolean;
}

export type TrialEnd = 'kept' | { reason: RolledBackReason; message: string };

const FAILED_LINES = 'HTTP 502 from http://localhost:8080/health\nnginx: connect() failed (111: Connection refused)';
const BACK_MESSAGE = 'the previous system was activated';

export class Trial {
  private stage: ConfirmationStage = 'activating';
  private web: CheckStatus = 'pending';
  private reason = '';
  /** The timer fires at this time (`performance.now()`: setting the clock does not move it). */
  private firesAt = 0;
  private answered: boolean | null = null;
  private wake: () => void = () => undefined;

  constructor(private readonly options: TrialOptions) {}

  /** An answer counts once the activation has ended. */
  answer(keep: boolean): void {
    if (this.stage !== 'waiting' || this.answered !== null) return;
    this.answered = keep;
    this.wake();
  }

  async run(): Promise<TrialEnd> {
    const { behaviour, windowS, pause, isOver } = this.options;
    this.firesAt = performance.now() + behaviour.activationMs + windowS * 1_000;
    this.report();
    await pause(behaviour.activationMs);
    if (isOver()) return 'kept';
    this.stage = 'waiting';
    this.firesAt = performance.now() + windowS * 1_000;
    // Reports as soon as it is registered.
    await this.options.reconnect();
    await this.pauseOrAnswer(behaviour.checksMs);
    if (behaviour.ending === 'check-fails' && this.answered === null) {
      this.web = 'failed';
      return this.goBack('check-failed', 'the check web failed: HTTP 502');
    }
    if (behaviour.ending === 'passes' && this.answered === null) {
      this.web = 'passed';
      this.report();
    }
    await this.pauseOrAnswer(this.firesAt - performance.now());
    if (this.answered === null) return this.goBack('no-contact', BACK_MESSAGE);
    if (!this.answered) return this.goBack('operator', BACK_MESSAGE);
    this.stage = 'keeping';
    this.report();
    await pause(behaviour.endMs);
    return 'kept';
  }

  report(): void {
    const { stage, reason, web } = this;
    const left = Math.max(0, Math.round((this.firesAt - performance.now()) / 1_000));
    const isReached = stage !== 'activating';
    const declared = { before: 'passed', enforced: true } as const;
    this.options.send({
      type: 'confirmation',
      payload: {
        command_id: this.options.id,
        stage,
        seconds_left: stage === 'activating' || stage === 'waiting' ? left : null,
        system: '/nix/store/8cx7qv2n1l5kzf0y3m6wd9hjr4gsb2pa-nixos-system-25.11.20260214.new',
        previous: '/nix/store/2r9pdb6y0vw4mz7k1qx8sfh3jnl5cg9a-nixos-system-25.11.20260131.old',
        checks: [
          {
            ...declared,
            name: 'units',
            kind: 'units',
            status: isReached ? 'passed' : 'pending',
            reason: '',
            took_ms: 40,
          },
          {
            ...declared,
            name: 'web',
            kind: 'http',
            status: web,
            reason: web === 'failed' ? FAILED_LINES : '',
            took_ms: web === 'pending' ? null : 310,
          },
          { ...declared, name: 'tests', kind: 'tests', status: 'unknown', enforced: false, reason: '', took_ms: null },
        ],
        reason,
      },
    });
  }

  private async goBack(reason: RolledBackReason, message: string): Promise<TrialEnd> {
    this.stage = 'going-back';
    this.reason = message;
    this.report();
    await this.options.pause(this.options.behaviour.endMs);
    return { reason, message };
  }

  private async pauseOrAnswer(ms: number): Promise<void> {
    if (this.answered !== null) return;
    await this.options.wait(ms, (wake) => {
      this.wake = wake;
    });
  }
}
