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
  agent: { revision: 5, hash: '5faf502932b4c13a755963498461d56858650b25059d6043baeeb4676b79c87e' },
  live: { revision: 6, hash: 'd272b69b4672c0078babe2b24330a0b7b0ec726906186ec007e6bfeb37df42d8' },
  http: { revision: 1, hash: 'f81bdd85a1bed6872c1768a653813e47deff6bef794407a11e490473013e25c0' },
} as const satisfies Record<string, ProtocolRevision>;
