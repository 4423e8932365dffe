import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MAX_POLICY_BYTES, parsePolicy, readPolicy } from './policy-file';
import { policyReport } from './policy-report';
import { parseSigners } from './signers';
import { agentPayloadSchemas } from '@/lib/protocol/agent/from-agent';
import { MAX_FRAME_BYTES } from '@/lib/protocol/agent/frame-limits';

let root: string;
beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'nixfleet-policy-'))));
afterEach(() => rmSync(root, { recursive: true, force: true }));

const path = (...parts: string[]) => join(root, ...parts);
const COMMIT = '0123456789abcdef0123456789abcdef01234567';
const WINDOW = { days: ['mon'], from: '08:00', to: '10:00' };
/** A key of the type ssh-ed25519. */
const ED25519 = 'AAAAC3NzaC1lZDI1NTE5AAAAIJHb0kPPFv0DrHSL8CpnXKkSRFkBdBqL2nbyqwJ4wSqN';
const hours = (zone: string) => ({ hours: { zone, windows: [WINDOW] } });
const window = (change: object) => ({ hours: { zone: 'UTC', windows: [{ ...WINDOW, ...change }] } });

/** The line of an allowed-signers file for a new key. */
function newSigner(principal: string): string {
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', path(principal)]);
  return `${principal} ${execFileSync('cat', [path(`${principal}.pub`)], { encoding: 'utf8' }).trim()}`;
}

function read(content: unknown) {
  writeFileSync(path('policy.json'), typeof content === 'string' ? content : JSON.stringify(content));
  return readPolicy(path('policy.json'), [path('state'), path('repo')]);
}

function problem(content: unknown): string {
  const state = read(content);
  return state.kind === 'unreadable' ? state.problem : '';
}

describe('the file of the policy', () => {
  it('accepts everything where there is none, and where it is empty of rules', () => {
    expect(readPolicy(path('policy.json'), [])).toEqual({ kind: 'none', source: path('policy.json') });
    expect(read({})).toMatchObject({
      kind: 'set',
      policy: { operations: null, hours: null, branches: null, signers: null, oldestCommit: '', confirmed: false },
    });
  });

  it('is read with all its rules', () => {
    const state = read({
      operations: ['pull', 'switch'],
      hours: { zone: 'Europe/Berlin', windows: [{ days: ['sat', 'sun'], from: '22:00', to: '04:00' }] },
      branches: ['main', 'release/1.0'],
      signers: newSigner('alice@example.org'),
      oldestCommit: COMMIT,
      confirmed: true,
    });
    expect(state).toMatchObject({
      kind: 'set',
      policy: {
        operations: ['pull', 'switch'],
        hours: { zone: 'Europe/Berlin', windows: [{ days: ['sat', 'sun'], from: 1320, to: 240 }] },
        branches: ['main', 'release/1.0'],
        signers: { keys: [{ principals: 'alice@example.org', keyType: 'ssh-ed25519' }], file: '' },
        oldestCommit: COMMIT,
        confirmed: true,
      },
    });
  });

  it.each([
    ['no JSON', '{', 'is not JSON'],
    ['an empty file', '', 'is not JSON'],
    ['a list', [], 'has a mistake at the top level'],
    [
      'a field that it does not know',
      { operation: ['pull'] },
      'has a mistake at the top level: Unrecognized key: "operation"',
    ],
    ['an operation that it does not know', { operations: ['swich'] }, 'has a mistake at operations.0'],
    ['operations that are no list', { operations: 'pull' }, 'has a mistake at operations'],
    [
      'a zone that does not exist',
      hours('Europe/Nowhere'),
      'has a mistake at hours.zone: is not the name of a time zone',
    ],
    [
      'a zone in a window',
      { hours: { zone: 'UTC', windows: [{ ...WINDOW, zone: 'UTC' }] } },
      'has a mistake at hours.windows.0',
    ],
    ['no window', { hours: { zone: 'UTC', windows: [] } }, 'has a mistake at hours.windows'],
    ['a day that does not exist', window({ days: ['monday'] }), 'has a mistake at hours.windows.0.days.0'],
    ['a window without days', window({ days: [] }), 'has a mistake at hours.windows.0.days'],
    ['a time that does not exist', window({ from: '25:00' }), 'has a mistake at hours.windows.0.from: is not a time'],
    ['a time as a number', window({ to: 22 }), 'has a mistake at hours.windows.0.to'],
    [
      'a window of no length',
      window({ from: '09:00', to: '09:00' }),
      'has a mistake at hours.windows.0: begins when it ends',
    ],
    ['a window from the end of a day', window({ from: '24:00' }), 'has a mistake at hours.windows.0: begins at 24:00'],
    ['no branch', { branches: [] }, 'has a mistake at branches'],
    ['a branch that is an option', { branches: ['--upload-pack=x'] }, 'has a mistake at branches.0'],
    ['a branch that is a pattern', { branches: ['*'] }, 'has a mistake at branches.0'],
    ['a branch that leaves its place', { branches: ['a/../../b'] }, 'has a mistake at branches.0'],
    ['a short commit', { oldestCommit: '3c9a808' }, 'has a mistake at oldestCommit: is not the full hash'],
    ['a name in place of a commit', { oldestCommit: 'main' }, 'has a mistake at oldestCommit'],
    ['signers without a key', { signers: '# nobody\n' }, 'has a mistake at signers: it names no key'],
    ['a signer without its key', { signers: 'alice ssh-ed25519\n' }, 'has a mistake at signers: line 1'],
    ['a key of another type', { signers: `alice ssh-rsa ${ED25519}\n` }, 'has a mistake at signers: line 1'],
    [
      'a key that is cut',
      { signers: `alice ssh-ed25519 ${ED25519.slice(0, 20)}x\n` },
      'has a mistake at signers: line 1',
    ],
    ['a list of signers that does not exist', { signersFile: '/nonexistent/signers' }, 'has a mistake at signersFile'],
    [
      'a list of signers without a full path',
      { signersFile: 'signers' },
      'has a mistake at signersFile: is not an absolute path',
    ],
    ['confirmed as a word', { confirmed: 'yes' }, 'has a mistake at confirmed'],
    ['too many bytes', `{"branches":["${'x'.repeat(MAX_POLICY_BYTES)}"]}`, 'it has more than 128 KiB'],
  ])('with %s can’t be used, and says where', (_what, content, expected) => {
    expect(problem(content)).toContain(expected);
  });

  it('that is no file, or a link to nothing, can’t be used', () => {
    mkdirSync(path('folder'));
    expect(readPolicy(path('folder'), [])).toMatchObject({ kind: 'unreadable' });
    symlinkSync(path('nothing'), path('link'));
    expect(readPolicy(path('link'), [])).toMatchObject({ kind: 'unreadable', problem: "can't be read (ENOENT)" });
    execFileSync('mkfifo', [path('pipe')]);
    expect(readPolicy(path('pipe'), [])).toMatchObject({
      kind: 'unreadable',
      problem: "can't be read (it is not a file)",
    });
    writeFileSync(path('file'), '{}');
    expect(readPolicy(path('file', 'policy.json'), [])).toMatchObject({ kind: 'unreadable' });
  });

  it('reads a list of signers from its place, but not from what the agent writes', () => {
    mkdirSync(path('etc'));
    mkdirSync(path('repo'));
    const line = newSigner('bob');
    writeFileSync(path('etc', 'signers'), `${line}\n`);
    writeFileSync(path('repo', 'signers'), `${line}\n`);
    symlinkSync(path('repo', 'signers'), path('etc', 'elsewhere'));
    expect(read({ signersFile: path('etc', 'signers') })).toMatchObject({
      kind: 'set',
      policy: { signers: { keys: [{ principals: 'bob' }], file: path('etc', 'signers') } },
    });
    expect(problem({ signersFile: path('repo', 'signers') })).toContain('which the agent writes');
    expect(problem({ signersFile: path('etc', 'elsewhere') })).toContain('which the agent writes');
  });
});

describe('allowed signers', () => {
  it('are read with options, patterns, comments and fingerprints as ssh-keygen prints them', () => {
    const line = newSigner('carol@example.org');
    const [principal = '', type = '', key = ''] = line.split(' ');
    const parsed = parseSigners(
      `# people\n\n${principal},*@ops valid-after="20200101",namespaces="git file" ${type} ${key} a comment\r\n`,
    );
    const printed = execFileSync('ssh-keygen', ['-l', '-f', path('carol@example.org.pub')], { encoding: 'utf8' });
    expect(parsed).toMatchObject({
      ok: true,
      signers: [
        {
          principals: 'carol@example.org,*@ops',
          options: 'valid-after="20200101",namespaces="git file"',
          fingerprint: printed.split(' ')[1],
        },
      ],
    });
  });

  it('have a bound', () => {
    const line = newSigner('dave');
    expect(parseSigners(`${line}\n`.repeat(256)).ok).toBe(true);
    expect(parseSigners(`${line}\n`.repeat(257))).toEqual({ ok: false, problem: 'it has more than 256 keys' });
  });
});

describe('the report of a policy', () => {
  it('fits its frame at every bound, and names no more than fits', () => {
    const signer = newSigner('erin').slice('erin '.length);
    const windows = Array.from({ length: 32 }, () => WINDOW);
    const parsed = parsePolicy(
      JSON.stringify({
        operations: ['pull', 'kill'],
        hours: { zone: 'UTC', windows },
        branches: Array.from({ length: 16 }, (_, index) => `${index}${'ü'.repeat(190)}`),
        // 64 KiB in 256 lines: the longest names first, of characters that JSON writes with six.
        signers: Array.from(
          { length: 256 },
          (_, index) => `${index < 32 ? '\u0001'.repeat(1_200) : ''}p${index} ${signer}`,
        ).join('\n'),
        oldestCommit: COMMIT,
        confirmed: true,
      }),
      [],
    );
    if (!('policy' in parsed)) throw new Error(parsed.problem);
    const report = policyReport({ kind: 'set', source: '/'.repeat(4_000), policy: parsed.policy });
    const bytes = Buffer.byteLength(JSON.stringify({ type: 'host_policy', payload: report }));
    expect(bytes).toBeLessThan(MAX_FRAME_BYTES.host_policy);
    const received = agentPayloadSchemas.host_policy.parse(report);
    expect(received.signers).toHaveLength(32);
    expect(received.more_signers).toBe(224);
    expect(received).toMatchObject({ state: 'set', operations: ['pull', 'kill'], oldest_commit: COMMIT });
  });
});
