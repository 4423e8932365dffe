/**
 * Gives back the time in which the process could not work: a deadline that is stored as wall-clock time must not pass
 * while the event loop was held, nor because somebody set the clock.
 */
import type { CommandEngine } from './commands/command-engine';
import type { FleetCore } from './turns/fleet-core';
import type { PipelineRunner } from './pipelines/pipeline-runner';
import type { Version1Agents } from './agents/version-1-agents';
import { WallClockLead } from './turns/wall-clock-lead';

/** A shift from this on is logged: a busy minute of short ones is not news. */
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

  /** Moves every deadline of a living thing by what the wall clock went too far, in one turn. Cheap when that is nothing. */
  apply(): void {
    const ms = this.lead.take();
    if (ms === 0) return;
    if (Math.abs(ms) >= LOGGED_SHIFT_MS) {
      this.core.options.log.warn({ ms }, 'the event loop was held, or the clock was set: deadlines were moved along');
    }
    this.v1.timeShifted(ms);
    this.core.run('retry', (turn) => {
      for (const { active, control, dashboardCommand, queue } of this.core.entries.values()) {
        for (const command of [active, control, dashboardCommand, ...queue]) {
          if (command) this.engine.feed(turn, command, { type: 'time-shifted', ms });
        }
      }
      this.pipelines.timeShifted(turn, ms);
    });
  }
}
