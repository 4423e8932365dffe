/** Collects the dashboard's limits from its parts. */
import type { LimitUse } from '@/lib/limits/limit-use';

export type LimitSource = () => readonly LimitUse[];

export class LimitSources {
  private readonly sources: LimitSource[] = [];

  add(...sources: LimitSource[]): void {
    this.sources.push(...sources);
  }

  /** All limits as they are now, in the order in which their sources were added. */
  read(): LimitUse[] {
    return this.sources.flatMap((source) => [...source()]);
  }
}
