/** One word of a POSIX shell command: as it is where that is safe, otherwise in single quotes. */
export function shellWord(text: string): string {
  return /^[\w/.:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
