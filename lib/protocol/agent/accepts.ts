/**
 * Which frames an agent may send to which dashboard. A dashboard names in `registered` the types of frames that it reads
 * beyond those of 4.0.0; an agent sends no other new type. The Go dashboard and 4.0.0 name none.
 */
import type { AgentFrameType } from './from-agent';

/** `base`: every dashboard since 4.0.0 reads it. `named`: only a dashboard that names it in `accepts` does. */
const FRAMES: Readonly<Record<AgentFrameType, 'base' | 'named'>> = {
  register: 'base',
  heartbeat: 'base',
  output: 'base',
  output_batch: 'base',
  status: 'base',
  started: 'base',
  operation_progress: 'base',
  command_rejected: 'base',
  system_generations: 'named',
  confirmation: 'named',
  host_policy: 'named',
};

/** Names no frame: this dashboard reads the field `refused` of `status`. An older one gets the reason as text alone. */
export const REFUSED_FIELD = 'refused';

export const BASE_FRAMES: ReadonlySet<string> = framesOf('base');
/** What this dashboard names in `registered`. */
export const ACCEPTED: readonly string[] = [...framesOf('named'), REFUSED_FIELD];

function framesOf(kind: 'base' | 'named'): Set<string> {
  return new Set(Object.entries(FRAMES).flatMap(([type, of]) => (of === kind ? [type] : [])));
}
