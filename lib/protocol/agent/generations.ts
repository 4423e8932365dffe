/** The generations of the agent protocol (`docs/protocol.md`). */

/** The generation in which commands have ids and output is acknowledged. */
export const PROTOCOL_WITH_IDS = 3;
