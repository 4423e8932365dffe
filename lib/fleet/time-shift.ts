/**
 * Compensates time in which the process could not work: a deadline stored as wall-clock time must not pass because the
 * event loop was blocked or somebody set the clock.
 */
import type { CommandEngine } from './commands/command-engine';
import type { FleetCore } from './turns/fleet-core';
import type { PipelineRunner } from './pipelines/pipeline-runner';
import type { Version1Agents } from './agents/version-1-agents';
import { WallClockLead } from './turns/wall-clock-lead';

/** Shifts of at least this much are logged; many short ones in a busy minute are not. */
const LOGGED_SHIFT_MS = 5_000;

export class TimeShift {
  private readonly lead: WallClockLead;

  constructor(
    private readonly core: FleetCore,
    private readonly engine: CommandEngine,
    private readonly pipelines: Pick<PipelineRunner, 'timeShifted'>,
    private readonly v1: Pick<Version1Agents, 'timeShifted'>,
  ) {
    this.lead = new WallClockLead(core.options.clock, core.options.loop);
  }

  /** Moves all pending deadlines by the time the wall clock ran ahead, in one turn. Cheap when it did not. */
  apply(): void {
    const ms = this.lead.take();
    if (ms === 0) return;
    if (Math.abs(ms) >= LOGGED_SHIFT_MS) {
      this.core.options.log.warn(
        { ms },
        'the event loop was blocked or the clock was set; deadlines were moved by the same amount',
      );
    }
    this.core.post('retry', (turn) => {
      turn.apply.push(() => this.v1.timeShifted(ms));
      for (const { active, control, dashboardCommand, queue } of this.core.memory.entries.values()) {
        for (const command of [active, control, dashboardCommand, ...queue]) {
          if (command) this.engine.feed(turn, command, { type: 'time-shifted', ms });
        }
      }
      this.pipelines.timeShifted(turn, ms);
    });
  }
}
