/** What operators set of hosts, beside their colour. */
import type { FleetCore } from '../turns/fleet-core';
import * as events from '../events';
import type { Requester } from '../records/requests';
import type { ConfirmSetting } from '@/lib/protocol/confirm-setting';

export class HostSettings {
  constructor(private readonly core: FleetCore) {}

  /**
   * Sets whether switches of these hosts are confirmed; each host that changes leaves an event. Unknown hosts are left out.
   * Commands that wait already keep their choice. Null, or why nothing was stored.
   */
  setConfirm(hostIds: readonly string[], setting: ConfirmSetting, by: Requester): Promise<string | null> {
    return this.core.run('drop', (turn) => {
      for (const id of new Set(hostIds)) {
        const record = this.core.memory.entries.get(id)?.record;
        if (record === undefined || record.confirmSwitches === setting) continue;
        this.core.putHost(turn, record, { ...record, confirmSwitches: setting });
        turn.events.push(events.hostConfirmSet(record, setting, turn.now, by));
      }
    });
  }
}
