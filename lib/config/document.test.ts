import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { configurationTable } from '.';

it('docs/configuration.md has the table that configurationTable() returns', () => {
  const page = readFileSync('docs/configuration.md', 'utf8');
  const [, table] = /<!-- configuration -->\n\n(.*?)\n\n<!-- \/configuration -->/s.exec(page) ?? [];
  expect(table).toBe(configurationTable());
});
