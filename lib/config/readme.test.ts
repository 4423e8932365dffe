import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { configurationTable } from '.';

it('the table of variables in the README is the one that configurationTable() gives', () => {
  const readme = readFileSync('README.md', 'utf8');
  const [, table] = /<!-- configuration -->\n\n(.*?)\n\n<!-- \/configuration -->/s.exec(readme) ?? [];
  expect(table).toBe(configurationTable());
});
