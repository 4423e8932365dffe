/** A folder for the tests of the set-up scripts. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export interface Fixture {
  root: string;
  write(path: string, content: string | object, mode?: number): void;
  remove(): void;
}

export function createFixture(): Fixture {
  const root = mkdtempSync(join(tmpdir(), 'nixfleet-setup-'));
  return {
    root,
    write(path, content, mode) {
      const full = join(root, path);
      mkdirSync(dirname(full), { recursive: true });
      writeFileSync(full, typeof content === 'string' ? content : JSON.stringify(content), { mode });
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}
