/** Close codes of `/live`, besides the standard ones. */
export const LIVE_CLOSE = {
  /** The session ended: sign in again, do not reconnect. */
  SIGNED_OUT: 4401,
  /** A message did not follow the protocol. */
  BAD_MESSAGE: 4400,
} as const;
