/** Why an agent is held, with the facts of each reason, and the sentence that says so. */
import { z } from 'zod';

const name = z.string();
const address = z.string();

export const heldWhySchema = z.discriminatedUnion('reason', [
  /** `shown`: the name as the agent sent it, shortened. */
  z.object({ reason: z.literal('bad-name'), shown: z.string() }),
  /** `owner`: the host that its token is for; null when that was removed. */
  z.object({ reason: z.literal('foreign-token'), name, address, owner: z.string().nullable() }),
  z.object({ reason: z.literal('refused'), name, address }),
  z.object({ reason: z.literal('approval'), name, address }),
  /** `maxHosts`: how many hosts a fleet can have. */
  z.object({ reason: z.literal('fleet-full'), name, maxHosts: z.number() }),
  z.object({ reason: z.literal('leaving'), name }),
  z.object({ reason: z.literal('own-token'), name, address }),
  /** `present`: the address of the agent that speaks for the host. */
  z.object({ reason: z.literal('duplicate'), name, present: z.string(), address }),
]);
export type HeldWhy = z.infer<typeof heldWhySchema>;

/** What is wrong and what to do, as a sentence. */
export function heldSentence(why: HeldWhy): string {
  switch (why.reason) {
    case 'bad-name': {
      const what = why.shown === '' ? 'without a host name' : `with the invalid host name ${JSON.stringify(why.shown)}`;
      return `An agent registered ${what}. A host name has letters, digits and hyphens, at most 63 characters.`;
    }
    case 'foreign-token':
      return (
        `An agent at ${why.address} uses the token of ${why.owner ?? 'a host that was removed'} but registers as ` +
        `${why.name}. A host token is valid for one host only: create one for ${why.name}, or correct ` +
        `NIXFLEET_HOSTNAME on the host.`
      );
    case 'refused':
      return `${why.name}, a new host at ${why.address}, was refused. You can admit it under Settings, Hosts and tokens.`;
    case 'approval':
      return `${why.name}, a new host at ${why.address}, is waiting for approval: see Settings, Hosts and tokens.`;
    case 'fleet-full':
      return `The new host ${why.name} was not admitted: the fleet already has ${why.maxHosts} hosts.`;
    case 'leaving':
      return `${why.name} is being removed. When that is done, its agent is treated as a new host.`;
    case 'own-token':
      return (
        `${why.name} has a host token, but an agent at ${why.address} uses the shared token. Give the agent the host ` +
        'token, or revoke it under Settings, Hosts and tokens.'
      );
    case 'duplicate':
      return `Two agents register as ${why.name}: one at ${why.present}, one at ${why.address}.`;
  }
}
