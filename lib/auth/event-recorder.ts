/** Recording of events by sign-in and agent access. */
import type { EventRecorder } from './operator/auth-ports';
import type { FleetLog } from '@/lib/fleet/records/environment';
import type { NewEvent } from '@/lib/fleet/records/event-record';

/** Resolves when the event is stored. Never rejects: what the event reports has happened, so a failure is logged. */
export type SafeRecorder = (event: NewEvent) => Promise<void>;

export function createSafeRecorder(record: EventRecorder, log: FleetLog): SafeRecorder {
  return async (event) => {
    try {
      await record(event);
    } catch (error) {
      log.error({ err: error, action: event.action }, 'an event could not be recorded');
    }
  };
}
