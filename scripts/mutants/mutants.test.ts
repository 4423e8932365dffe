import { transformSync } from 'esbuild';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ALL_MUTANTS } from './all-mutants';
import { applyMutant } from './mutant';

/** Throws where the text can't be parsed; nixfleet-root is a script of bash. */
function parse(file: string, text: string): void {
  if (/\.[cm]?[jt]sx?$/.test(file)) transformSync(text, { loader: 'ts' });
  else execFileSync('bash', ['-n'], { input: text, stdio: ['pipe', 'ignore', 'pipe'] });
}

it.each(ALL_MUTANTS.map((mutant) => [mutant.name, mutant] as const))(
  '%s: its text occurs once in its file, and the changed file can be parsed',
  (_name, mutant) => {
    const text = readFileSync(mutant.file, 'utf8');
    const changed = applyMutant(mutant, text);
    expect(changed).not.toBe(text);
    expect(() => parse(mutant.file, changed)).not.toThrow();
    expect(mutant.tests.filter((file) => !existsSync(file))).toEqual([]);
  },
);

it('has a unique name for each change', () => {
  const names = ALL_MUTANTS.map(({ name }) => name);
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
});

it.each([
  ['not at all', 'const other = 1;'],
  ['twice', 'const a = 1;\nconst a = 1;'],
])('a text that occurs %s is an error', (_case, text) => {
  const mutant = { name: 'one', file: 'a.ts', from: 'const a = 1;', to: '', why: '', tests: [] };
  expect(() => applyMutant(mutant, text)).toThrow('instead of once');
});
