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
  agent: { revision: 6, hash: '7e903f73780a700c27e974a94a6f6f872686e7d4e677620fd27cd642a0a76820' },
  live: { revision: 8, hash: '1e78f42f7502b72f2ff594b81bcd95e30dcff7c217e198377c1e2afdf7a9caa0' },
  http: { revision: 1, hash: 'f81bdd85a1bed6872c1768a653813e47deff6bef794407a11e490473013e25c0' },
} as const satisfies Record<string, ProtocolRevision>;
