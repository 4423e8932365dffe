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
  live: { revision: 1, hash: 'be98dbb4e278ab5d000be6b212764bac9738c0d93864b18304ac3f0d8af7f253' },
  http: { revision: 1, hash: '10a44cdbda79156b1f7d5841bdcd5a35fd05d80f9d9e5037c30de971fa15b0d2' },
} as const satisfies Record<string, ProtocolRevision>;
