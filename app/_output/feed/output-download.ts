/** A command's output as a text file. */
import { plainOutput } from '../text/sgr';
import type { CommandView } from '@/lib/protocol/live/views/command-view';
import type { OutputLine } from '@/lib/protocol/live/views/output-line';

/** Lines per read. */
const PAGE_LINES = 1_000;
/** UTF-16 units of text per read, including the line that reaches the limit: a line may have 64 KiB. */
const PAGE_CHARACTERS = 256 * 1024;

/** A file name that is safe on every file system and in a header: "web-switch-2026-01-02T03-04-05.log". */
export function downloadName(
  hostName: string,
  command: Pick<CommandView, 'operation' | 'generation' | 'createdAt'>,
): string {
  const host =
    hostName
      .replace(/[^A-Za-z0-9_-]+/g, '-')
      .replace(/^-+/, '')
      .slice(0, 64) || 'host';
  const time = new Date(command.createdAt).toISOString().slice(0, 19).replaceAll(':', '-');
  const generation = command.generation === null ? '' : `-${command.generation}`;
  return `${host}-${command.operation}${generation}-${time}.log`;
}

/** One line of the file. */
function fileLine(line: OutputLine, withTimes: boolean): string {
  const time = withTimes ? `${new Date(line.at).toISOString()}  ` : '';
  const note = line.stream === 'note' ? '[dashboard] ' : '';
  return `${time}${note}${plainOutput(line.text)}\n`;
}

/** The stored lines as bytes, read page by page as fast as the client consumes them. */
export function outputStream(
  read: (after: number, limit: number, maxCharacters: number) => Promise<OutputLine[]>,
  withTimes: boolean,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let after = 0;
  return new ReadableStream({
    async pull(controller) {
      const lines = await read(after, PAGE_LINES, PAGE_CHARACTERS);
      const last = lines.at(-1);
      if (!last) {
        controller.close();
        return;
      }
      after = last.seq;
      controller.enqueue(encoder.encode(lines.map((line) => fileLine(line, withTimes)).join('')));
    },
  });
}
