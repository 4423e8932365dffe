import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { loadSecrets } from './secrets';

const NOTHING = { sessionSecret: null, agentToken: null };
let dataDir = '';
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'nixfleet-secrets-'));
});
afterEach(() => rmSync(dataDir, { recursive: true }));

const mode = (path: string) => statSync(path).mode & 0o777;

it('creates each secret once, readable only by its user', () => {
  const first = loadSecrets(dataDir, NOTHING);
  expect(first.warnings).toEqual([]);
  const { sessionSecret, agentToken, encryptionKey } = first.secrets;
  const values = [sessionSecret, agentToken, encryptionKey];
  expect(new Set(values).size).toBe(3);
  for (const value of values) expect(Buffer.from(value, 'base64url')).toHaveLength(32);
  expect(mode(join(dataDir, 'secrets'))).toBe(0o700);
  expect(readdirSync(join(dataDir, 'secrets')).sort()).toEqual(['agent-token', 'encryption-key', 'session-secret']);
  for (const name of readdirSync(join(dataDir, 'secrets'))) expect(mode(join(dataDir, 'secrets', name))).toBe(0o600);
  expect(loadSecrets(dataDir, NOTHING)).toEqual(first);
});

it('creates no file for a configured secret, whatever its length', () => {
  const { secrets } = loadSecrets(dataDir, { sessionSecret: 's', agentToken: 't' });
  expect(secrets).toMatchObject({ sessionSecret: 's', agentToken: 't' });
  expect(readdirSync(join(dataDir, 'secrets'))).toEqual(['encryption-key']);
});

it('warns about files that other users may read, and says how to fix it', () => {
  loadSecrets(dataDir, NOTHING);
  const file = join(dataDir, 'secrets', 'agent-token');
  chmodSync(file, 0o644);
  chmodSync(dataDir, 0o755);
  const { warnings } = loadSecrets(dataDir, NOTHING);
  expect(warnings).toHaveLength(2);
  expect(warnings.join('\n')).toContain(`chmod 600 ${file}`);
  expect(warnings.join('\n')).toContain(`chmod 700 ${dataDir}`);
});

it('refuses a damaged secret without showing it', () => {
  loadSecrets(dataDir, NOTHING);
  writeFileSync(join(dataDir, 'secrets', 'encryption-key'), 'short\n');
  expect(() => loadSecrets(dataDir, NOTHING)).toThrow(/encryption-key is too short\. Restore it/);
});

it('gives two concurrent starts the same secrets', async () => {
  const script = join(import.meta.dirname, 'testing', 'load-secrets.ts');
  const starts = Array.from({ length: 4 }, async () => {
    const child = spawn(process.execPath, ['--import', 'tsx', script, dataDir], { stdio: ['pipe', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    // All are loaded before the first one may begin.
    await once(child.stdout, 'data');
    return { begin: () => child.stdin.end('go\n'), ended: once(child, 'close').then(() => said) };
  });
  const ready = await Promise.all(starts);
  for (const one of ready) one.begin();
  const answers = new Set(await Promise.all(ready.map((one) => one.ended)));
  expect(answers.size).toBe(1);
  expect([...answers][0]).toContain(readFileSync(join(dataDir, 'secrets', 'agent-token'), 'utf8').trim());
  expect(readdirSync(join(dataDir, 'secrets'))).toHaveLength(3);
}, 60_000);
