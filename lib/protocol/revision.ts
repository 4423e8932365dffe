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
  agent: { revision: 1, hash: '9d2aa030a7b1f9ca3756d2aa083a7af5d499150cd035a588f06d28f4a041738a' },
  live: { revision: 1, hash: 'c5f8e35ea1d7b4e94d4951d510cce0e3b739de7cab00f61f6fdd7a01fc7bb3a7' },
  http: { revision: 1, hash: 'f81bdd85a1bed6872c1768a653813e47deff6bef794407a11e490473013e25c0' },
} as const satisfies Record<string, ProtocolRevision>;
