import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { requireDataFolder } from './data-folder';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'nixfleet-data-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe('requireDataFolder', () => {
  it('creates the folder readable only by its user', () => {
    requireDataFolder(join(root, 'deep/data'));
    expect(statSync(join(root, 'deep/data')).mode & 0o777).toBe(0o700);
  });

  it('names the command that fixes it: the host’s when it runs in a container', () => {
    writeFileSync(join(root, 'file'), '');
    expect(() => requireDataFolder(join(root, 'file/data'), true)).toThrow(
      /is not writable \(ENOTDIR\).*Run this next to the compose file.*: sudo chown -R \d+:\d+ \.\/data$/,
    );
    expect(() => requireDataFolder(join(root, 'file/data'), false)).toThrow(/sudo mkdir -p .*file\/data && sudo chown/);
  });

  it.runIf(process.getuid?.() === 0)('does so for a folder of another user', () => {
    chmodSync(root, 0o755);
    mkdirSync(join(root, 'data'), { mode: 0o755 });
    chownSync(join(root, 'data'), 0, 0);
    // As another user, in another process: root may write everywhere.
    const script = `import { requireDataFolder } from ${JSON.stringify(join(import.meta.dirname, 'data-folder.ts'))};
      process.setgid(1000); process.setuid(1000);
      try { requireDataFolder(${JSON.stringify(join(root, 'data'))}, true); } catch (error) { console.log(error.message); }`;
    const output = execFileSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      encoding: 'utf8',
    });
    expect(output).toContain('is not writable (EACCES)');
    expect(output).toMatch(/sudo chown -R 1000:1000 \.\/data\n$/);
  });
});
