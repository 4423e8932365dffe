/** An authenticator app that remembers the time steps of the codes it gave, so that no test depends on when a step ends. */
import { setTimeout } from 'node:timers/promises';
import { generateSync } from 'otplib';

/** RFC 6238, as the dashboard uses it: one step lasts 30 s, and the steps beside the present one count as well. */
const STEP_MS = 30_000;
const TOLERANCE_STEPS = 1;

const presentStep = () => Math.floor(Date.now() / STEP_MS);

export class Authenticator {
  private lastStep = 0;

  constructor(private readonly secret: string) {}

  /**
   * A code that was not given before, valid for at least 30 s. Two are ready at any time; a third may have to wait for
   * its step.
   */
  async newCode(): Promise<string> {
    const step = await this.nextStep();
    this.lastStep = step;
    return this.codeOf(step);
  }

  /** The same for a request that does not use the code up: `newCode` may give it again. */
  async unspentCode(): Promise<string> {
    return this.codeOf(await this.nextStep());
  }

  /** The code that was given last. Fails once its time is over: a refusal would no longer show that it was used. */
  usedCode(): string {
    if (presentStep() > this.lastStep + TOLERANCE_STEPS) throw new Error('the code that was given last has expired');
    return this.codeOf(this.lastStep);
  }

  /** Whether the dashboard would take this code now, or may do so within half a minute. */
  mayAccept(code: string): boolean {
    const first = presentStep() - TOLERANCE_STEPS;
    return Array.from({ length: 2 * TOLERANCE_STEPS + 2 }, (_, index) => first + index).some(
      (step) => this.codeOf(step) === code,
    );
  }

  private async nextStep(): Promise<number> {
    const step = Math.max(presentStep(), this.lastStep + 1);
    const validFrom = (step - TOLERANCE_STEPS) * STEP_MS;
    if (validFrom > Date.now()) await setTimeout(validFrom - Date.now());
    return step;
  }

  private codeOf(step: number): string {
    return generateSync({ secret: this.secret, epoch: (step * STEP_MS) / 1_000 });
  }
}
