/** Hosts that an operator or an enrolment code adds before, or while, their agent asks to be admitted. */
import { newHost } from '../hosts/host';
import { hostNameOf } from '@/lib/protocol/agent/host-name';
import * as events from '../events';
import type { NewEvent } from '../records/event-record';
import type { Requester } from '../records/requests';
import type { FleetCore } from '../turns/fleet-core';

export type HostAdded = { ok: true; hostId: string } | { ok: false; reason: string };

export class HostApproval {
  /** `added` is called when a host of this name exists. */
  constructor(
    private readonly core: FleetCore,
    private readonly added: (name: string) => void,
  ) {}

  /**
   * Adds an unknown host, before its agent connects or while that is held. Resolves with its id (also if it already
   * exists), or with why it was not added.
   */
  async admitHost(
    name: string,
    event: (host: { id: string; name: string }, now: number) => NewEvent,
  ): Promise<HostAdded> {
    if (!this.core.memory.byName(name) && hostNameOf(name) !== name) {
      const rule = 'use lower-case letters, digits and hyphens, at most 63 characters';
      return { ok: false, reason: `“${name}” is not a valid host name: ${rule}.` };
    }
    let hostId = '';
    const refused = await this.core.run('drop', (turn) => {
      const known = this.core.memory.byName(name);
      hostId = known?.record.id ?? this.core.memory.freshHostId(name);
      if (known) return;
      const record = newHost(hostId, name, turn.now);
      this.core.putHost(turn, record, record, true);
      turn.events.push(event(record, turn.now));
    });
    if (refused !== null) return { ok: false, reason: refused };
    this.added(name);
    return { ok: true, hostId };
  }

  /** Approves a host whose agent is held for approval. */
  approve(name: string, by: Requester): Promise<HostAdded> {
    return this.admitHost(name, (host, now) => events.hostApproved(host, now, by));
  }
}
