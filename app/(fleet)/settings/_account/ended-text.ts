/** What a change did to the other sessions; empty when there were none. */
export function endedText(endedSessions: number): string {
  if (endedSessions === 0) return '';
  return endedSessions === 1 ? 'The other session ended.' : `${endedSessions} other sessions ended.`;
}
