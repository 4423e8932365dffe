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
  agent: { revision: 5, hash: 'a33926c984e8cc04f81ea389f0358171e0f0d0cb4aea15493ed0b79f97af8d8a' },
  live: { revision: 6, hash: 'e823903ab6bd5f12124dee8f3e613fee9854d0cf95d2b4011de7c53463b2a3ba' },
  http: { revision: 1, hash: 'f81bdd85a1bed6872c1768a653813e47deff6bef794407a11e490473013e25c0' },
} as const satisfies Record<string, ProtocolRevision>;
