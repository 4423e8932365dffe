import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { answerOf } from './answer-of';
import { REFUSAL_REASONS, refusalOf } from '@/lib/protocol/http/request-refusals';

it('gives the result of an action', async () => {
  expect(await answerOf(Promise.resolve({ ok: true, value: 7 }))).toEqual({ ok: true, value: 7 });
});

it('converts a refused request to a result: signed out, or failed with its message', async () => {
  for (const reason of REFUSAL_REASONS) {
    const { sentence } = refusalOf(reason);
    expect(await answerOf(Promise.reject(new Error(sentence)))).toEqual({
      ok: false,
      error: reason === 'signed-out' ? { kind: 'signed-out' } : { kind: 'failed', message: sentence },
    });
  }
});

it('rejects when there is no answer', async () => {
  await expect(answerOf(Promise.reject(new TypeError('Failed to fetch')))).rejects.toThrow('Failed to fetch');
});

const sources = readdirSync('app', { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.tsx?$/.test(file) && !file.endsWith('.test.ts'))
  .map((file) => ({ file, text: readFileSync(join('app', file), 'utf8') }));

it('wraps every call of an action in the browser', () => {
  const callers = sources.flatMap(({ file, text }) => {
    const names = [...text.matchAll(/import \{([^}]*)\} from '[^']*\/actions'/g)].flatMap(([, list = '']) =>
      list.split(',').flatMap((name) => name.trim() || []),
    );
    return names.map((name) => ({ file, name, text }));
  });
  expect(callers.length).toBeGreaterThan(20);
  for (const { file, name, text } of callers) {
    const calls = [...text.matchAll(new RegExp(`(answerOf\\(\\s*)?\\b${name}\\(`, 'g'))];
    // An action passed by name would be called elsewhere, where this test does not look.
    expect(calls.length, `${file} calls ${name}`).toBeGreaterThan(0);
    for (const [call, wrapped] of calls) expect(wrapped, `${call} in ${file}`).toBeDefined();
  }
});
