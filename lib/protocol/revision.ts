/**
 * The revision of each protocol and the hash of its schemas. `revision.test.ts` fails when the schemas change and this
 * file does not. A revision counts changes to the schemas; it is not sent (an agent sends `protocol` in `register`).
 */
export interface ProtocolRevision {
  revision: number;
  /** SHA-256 of the schemas as JSON Schema with sorted keys, in hexadecimal digits. */
  hash: string;
}

export const PROTOCOL_REVISIONS = {
  agent: { revision: 4, hash: 'c31066dce170447d4eac9536d10870305085d31294dd31d7f968ec07884efc57' },
  live: { revision: 5, hash: 'a4f0149ad78eb8b07eeafdc0e43d91505251eecd55b3c6beaa8268644679f098' },
  http: { revision: 1, hash: 'f81bdd85a1bed6872c1768a653813e47deff6bef794407a11e490473013e25c0' },
} as const satisfies Record<string, ProtocolRevision>;
