import { sameBesidesHeartbeat } from '@/app/_live/heartbeat';
import type { HostView } from '@/lib/protocol/live/views/host-view';

/** For `memo`: a cell that shows nothing of a heartbeat does not render again for one. */
export function hasSameHost(before: { host: HostView }, after: { host: HostView }): boolean {
  return sameBesidesHeartbeat(before.host, after.host);
}
