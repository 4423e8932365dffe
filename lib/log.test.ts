import { describe, expect, it } from 'vitest';
import { createLog } from './log';

describe('createLog', () => {
  it('keeps secrets out, wherever they stand in a record', () => {
    const lines: string[] = [];
    const log = createLog('info', { write: (line: string) => lines.push(line) });
    log.info(
      {
        token: 'S3CRET',
        config: { passwordHash: 'S3CRET' },
        request: { headers: { authorization: 'S3CRET', cookie: 'S3CRET' } },
      },
      'x',
    );
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toContain('S3CRET');
    expect(lines[0]).toContain('[redacted]');
  });

  it('writes one line for a message that holds line breaks', () => {
    const lines: string[] = [];
    createLog('info', { write: (line: string) => lines.push(line) }).info('a\nforged line');
    expect(lines.join('').trimEnd().split('\n')).toHaveLength(1);
  });

  it('is silent below its level', () => {
    const lines: string[] = [];
    createLog('warn', { write: (line: string) => lines.push(line) }).info('quiet');
    expect(lines).toEqual([]);
  });
});
