/** A sentence on how many other sessions were ended; empty for none. */
export function endedText(endedSessions: number): string {
  if (endedSessions === 0) return '';
  return endedSessions === 1 ? '1 other session was signed out.' : `${endedSessions} other sessions were signed out.`;
}
