/** Turns the bytes of a stream into lines. */
import { MAX_LINE } from '@/lib/text/plain-text';

export interface LineReader {
  push(chunk: Uint8Array): void;
  /** The stream is over: what is left is a line too. */
  end(): void;
}

/**
 * Calls `onLine` for each line, without its end. Invalid UTF-8 becomes U+FFFD, also where a character is cut by a
 * chunk's border. A line that is longer than `maxLength` (UTF-16 units) is handed over in pieces, so that a program
 * that never ends its line neither blocks nor fills the memory. Of a line that carriage returns wrote over, what a
 * terminal shows last is kept.
 */
export function createLineReader(onLine: (line: string) => void, maxLength: number = MAX_LINE): LineReader {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let rest = '';

  function take(text: string): void {
    let from = 0;
    for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', from)) {
      rest += text.slice(from, at);
      from = at + 1;
      cutLong();
      onLine(lastShown(rest));
      rest = '';
    }
    rest += text.slice(from);
    cutLong();
  }

  function cutLong(): void {
    if (rest.length <= maxLength) return;
    if (rest.includes('\r')) rest = lastShown(rest);
    while (rest.length > maxLength) {
      // Never between the two halves of a character.
      const high = rest.charCodeAt(maxLength - 1);
      const cut = maxLength > 1 && high >= 0xd800 && high <= 0xdbff ? maxLength - 1 : maxLength;
      onLine(rest.slice(0, cut));
      rest = rest.slice(cut);
    }
  }

  return {
    push(chunk) {
      take(decoder.decode(chunk, { stream: true }));
    },
    end() {
      take(decoder.decode());
      if (rest === '') return;
      onLine(lastShown(rest));
      rest = '';
    },
  };
}

function lastShown(line: string): string {
  if (!line.includes('\r')) return line;
  const parts = line.split('\r').filter((part) => part !== '');
  return parts[parts.length - 1] ?? '';
}
