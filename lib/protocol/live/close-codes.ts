/** Close codes of `/live` beside the standard ones. */
export const LIVE_CLOSE = {
  /** The session ended: sign in again, do not reconnect. */
  SIGNED_OUT: 4401,
  /** The message was not of the protocol. */
  BAD_MESSAGE: 4400,
} as const;
