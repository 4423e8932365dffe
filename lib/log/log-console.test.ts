import { afterEach, describe, expect, it } from 'vitest';
import { createLog } from '.';
import { LINES_PER_WINDOW } from './log-limit';
import { routeConsole } from './log-console';

const terminal = globalThis.console;
let restore: () => void = () => undefined;
afterEach(() => restore());

function routed(): string[] {
  const lines: string[] = [];
  restore = routeConsole(createLog('debug', { write: (line: string) => lines.push(line) }));
  return lines;
}

describe('routeConsole', () => {
  it('writes each call as one line of the log, at its level', () => {
    const lines = routed();
    terminal.error('Error: %s\n    at somewhere', 'Invalid URL', { input: '\u009b2J' });
    terminal.log('ready');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { level: 'error', source: 'console', msg: expect.stringContaining('Invalid URL') as string },
      { level: 'info', source: 'console', msg: 'ready' },
    ]);
    for (const line of lines) expect(line.trimEnd()).toMatch(/^[^\n\u0080-\u009f]*$/);
  });

  it('drops colours, which are meant for a terminal', () => {
    const lines = routed();
    terminal.warn('\u001b[33m\u001b[1m⚠\u001b[22m\u001b[39m careful');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ msg: '⚠ careful' });
  });

  it('cuts a long text', () => {
    const lines = routed();
    terminal.error('x'.repeat(1_000_000));
    expect(lines.join('').length).toBeLessThan(8_192);
  });

  it('counts all calls as one message, whatever they say', () => {
    const lines = routed();
    for (let n = 0; n < 10 * LINES_PER_WINDOW; n += 1) terminal.error(`Failed to find Server Action "${n}"`);
    expect(lines).toHaveLength(LINES_PER_WINDOW);
  });
});
