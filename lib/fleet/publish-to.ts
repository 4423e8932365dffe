/** One publisher for several subscribers: browsers, agent access, later notifications. */
import type { FleetLog } from './records/environment';
import type { Publisher } from './records/publisher';

/** What a subscriber does not need, it leaves out. */
export type Subscriber = Partial<Publisher>;

/** Passes each change to all subscribers, in their order. One that throws does not keep it from the others. */
export function publishTo(subscribers: readonly Subscriber[], log: FleetLog): Publisher {
  const each = (use: (subscriber: Subscriber) => void) => {
    for (const subscriber of subscribers) {
      try {
        use(subscriber);
      } catch (error) {
        log.error({ err: error }, 'a subscriber of the fleet failed');
      }
    }
  };
  return {
    hosts: (patches, removed) => each((subscriber) => subscriber.hosts?.(patches, removed)),
    other: (change) => each((subscriber) => subscriber.other?.(change)),
    output: (commandId, lines) => each((subscriber) => subscriber.output?.(commandId, lines)),
    outputDone: (commandId) => each((subscriber) => subscriber.outputDone?.(commandId)),
  };
}
