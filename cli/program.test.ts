import { verify } from '@node-rs/bcrypt';
import { describe, expect, it } from 'vitest';
import { readConfig } from '@/lib/config';
import { VERSION } from '@/lib/version';
import { run } from './testing/run';

describe('the program', () => {
  it('prints its commands and its version', async () => {
    const help = await run(['--help']);
    expect(help.code).toBe(0);
    expect(help.out).toContain('hash-password');
    expect(help.out).toContain('generate-secrets');
    expect(await run(['--version'])).toMatchObject({ code: 0, out: `${VERSION}\n` });
  });

  it('exits with 2 for wrong arguments, and names them', async () => {
    expect(await run([])).toMatchObject({ code: 2, out: '' });
    const unknown = await run(['explode']);
    expect(unknown).toMatchObject({ code: 2, out: '' });
    expect(unknown.err).toContain('There is no command "explode"');
    const option = await run(['hash-password', '--loud']);
    expect(option.code).toBe(2);
    expect(option.err).toContain("'--loud'");
    const word = await run(['hash-password', 'my-password']);
    expect(word).toMatchObject({ code: 2, out: '' });
  });

  it('prints the usage of each command', async () => {
    for (const name of ['hash-password', 'generate-secrets']) {
      const help = await run([name, '--help']);
      expect(help.code).toBe(0);
      expect(help.out).toContain(`Usage: nixfleet ${name}`);
    }
  });
});

describe('hash-password', () => {
  it('prints a bcrypt hash of the typed password', async () => {
    const { code, out } = await run(['hash-password'], { typed: ['correct horse battery'] });
    expect(code).toBe(0);
    expect(await verify('correct horse battery', out.trim())).toBe(true);
    expect(readConfig({ NIXFLEET_PASSWORD_HASH: out.trim() }).ok).toBe(true);
  });

  it('asks twice on a terminal', async () => {
    const same = await run(['hash-password'], {
      typed: ['correct horse battery', 'correct horse battery'],
      person: true,
    });
    expect(same.code).toBe(0);
    const different = await run(['hash-password'], { typed: ['correct horse battery', 'other'], person: true });
    expect(different).toMatchObject({ code: 1, out: '' });
    expect(different.err).toContain('not the same');
  });

  it('refuses a password that is too short, or that bcrypt would truncate', async () => {
    expect(await run(['hash-password'], { typed: ['short'] })).toMatchObject({ code: 1, out: '' });
    const long = await run(['hash-password'], { typed: ['äöüßéàâêîô'.repeat(4).slice(3)] });
    expect(long.code).toBe(1);
    expect(long.err).toContain('at most 72 bytes');
  });
});

describe('generate-secrets', () => {
  it('prints different lines each time, which the configuration accepts', async () => {
    const { code, out } = await run(['generate-secrets', '--password'], { typed: ['correct horse battery'] });
    expect(code).toBe(0);
    const read = readConfig(environmentOf(out));
    expect(read).toMatchObject({ ok: true, warnings: [] });
    expect(out).toContain('otpauth://totp/');
    expect(out).toMatch(/^NIXFLEET_PASSWORD_HASH='\$2b\$12\$[^']+'$/m);
    expect((await run(['generate-secrets'])).out).not.toBe((await run(['generate-secrets'])).out);
  });

  it('prints only the hash in quotes', async () => {
    const { out } = await run(['generate-secrets']);
    for (const line of out.split('\n').filter((one) => one.startsWith('NIXFLEET_'))) {
      expect(line).toMatch(/^[A-Z_]+=[A-Za-z0-9_-]+$/);
    }
  });
});

/** Reads an .env file like compose: without comments and single quotes. */
function environmentOf(text: string): Record<string, string> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(
    lines.map((line) => [
      line.slice(0, line.indexOf('=')),
      line.slice(line.indexOf('=') + 1).replace(/^'(.*)'$/, '$1'),
    ]),
  );
}
