/** The terminal or a pipe. Results go to standard output, everything else to standard error. */
import type { ReadStream } from 'node:tty';
import { outputLine } from '@/lib/text/plain-text';
import { Problem } from './command';

/** Longest secret that is read. */
const MAX_SECRET_BYTES = 4_096;

export interface Terminal {
  /** Prints the command's result, on standard output. */
  print(line: string): void;
  /** Prints a message for a person, on standard error. */
  note(line: string): void;
  /** True when standard input is a terminal. */
  readonly isInteractive: boolean;
  /** Asks without showing the input; in a pipe, reads standard input to its end. */
  readSecret(prompt: string): Promise<string>;
}

/** The terminal of this process. */
export function processTerminal(): Terminal {
  const { stdin, stdout, stderr } = process;
  return {
    print: (line) => void stdout.write(`${harmless(line)}\n`),
    note: (line) => void stderr.write(`${harmless(line)}\n`),
    isInteractive: stdin.isTTY,
    readSecret: (prompt) => (stdin.isTTY ? readHidden(stdin, prompt) : readPipe()),
  };
}

/** Names in a backup or a database of somebody else must not control the terminal. */
export function harmless(text: string): string {
  return text.split('\n').map(outputLine).join('\n');
}

async function readPipe(): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin) {
    const piece = Buffer.from(chunk as Uint8Array | string);
    bytes += piece.length;
    if (bytes > MAX_SECRET_BYTES) throw tooLong();
    chunks.push(piece);
  }
  // `echo` and editors add the line break; it is not part of the secret.
  return Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '');
}

/** Reads a line key by key, so that nothing echoes it. Ctrl-C and Ctrl-D cancel. */
function readHidden(stdin: ReadStream, prompt: string): Promise<string> {
  process.stderr.write(prompt);
  stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  return new Promise((resolve, reject) => {
    let typed: string[] = [];
    const done = (finish: () => void) => {
      stdin.off('data', read);
      stdin.setRawMode(false);
      stdin.pause();
      process.stderr.write('\n');
      finish();
    };
    const read = (text: string) => {
      for (const key of text) {
        if (key === '\r' || key === '\n') {
          done(() => resolve(typed.join('')));
          return;
        }
        if (key === '\u0003' || key === '\u0004') {
          done(() => reject(new Problem('failed', 'Cancelled.')));
          return;
        }
        if (key === '\u007f' || key === '\b') typed.pop();
        else if (key === '\u0015') typed = [];
        else if (key >= ' ') typed.push(key);
        if (typed.length > MAX_SECRET_BYTES) {
          done(() => reject(tooLong()));
          return;
        }
      }
    };
    stdin.on('data', read);
    stdin.resume();
  });
}

function tooLong(): Problem {
  return new Problem('failed', `The input is longer than ${MAX_SECRET_BYTES} bytes.`);
}
