/** Splits the bytes of a stream into lines. */
import { MAX_LINE } from '@/lib/text/plain-text';

export interface LineReader {
  push(chunk: Uint8Array): void;
  /** The stream has ended: the rest counts as a line. */
  end(): void;
}

/**
 * Calls `onLine` for each line, without its line break. Invalid UTF-8 becomes U+FFFD; a character may span chunks. A
 * line longer than `maxLength` (UTF-16 units) is split, so that a program that never ends its line neither blocks nor
 * fills the memory. If carriage returns overwrite a line, the text that a terminal would show last is kept.
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
      // Never between the two halves of a surrogate pair.
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
