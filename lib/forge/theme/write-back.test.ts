/**
 * Real repositories, a real git server, and Nix's own check where this machine has it; elsewhere, a program of the same
 * name that detects an unfinished file by its brackets (the titles say which).
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createForgejo } from '../forgejo';
import { createGitHub } from '../github';
import { FakeForge, FAKE_FORGE_TOKEN, type Dialect } from '../testing/fake-forge';
import { TestClock } from '@/lib/fleet/testing/test-clock';
import {
  createTestRepository,
  gitBackend,
  serve,
  temporaryFolder,
  type TestRepository,
} from '@/lib/desired/testing/repository';
import { createColorWriteBack, type WriteBackOptions } from './write-back';
import type { DashboardOperationEnd } from '@/lib/fleet/records/executor-port';
import { FAKE_FORGE_REPO } from '../testing/fake-responses';

const FILE = 'modules/theme.nix';
const THEME =
  '{\n  palettes = {\n    blue = { name = "Blue"; };\n  };\n  hostPalette = {\n    web = "blue";\n  };\n}\n';
const BY = { userId: 'u1', userName: 'ada', address: '192.0.2.7' };

const which = (program: string): string | null =>
  (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, program))
    .find((path) => existsSync(path)) ?? null;
const realNix = which('nix-instantiate');
const checker = realNix === null ? 'a fake nix-instantiate' : 'the real nix-instantiate';

/** Takes a file whose brackets do not close for no Nix, as Nix does too. */
const FAKE_NIX_INSTANTIATE = `#!${process.execPath}
const text = require('node:fs').readFileSync(process.argv[process.argv.length - 1], 'utf8').replace(/"[^"]*"/g, '');
let depth = 0;
for (const c of text) depth += c === '{' ? 1 : c === '}' ? -1 : 0;
if (depth !== 0) { console.error('error: syntax error, unexpected end of file'); process.exit(1); }
`;

let folder: ReturnType<typeof temporaryFolder>;
let working: TestRepository;
let bare: string;
let notes: string[];
let logged: string[];
let programs: string;

beforeEach(() => {
  folder = temporaryFolder();
  working = createTestRepository(folder.path);
  mkdirSync(join(working.path, 'modules'));
  working.commit('first', { [FILE]: THEME, 'other.txt': 'untouched\n' });
  bare = join(folder.path, 'remote.git');
  execFileSync('git', ['clone', '--quiet', '--bare', working.path, bare], { stdio: 'ignore' });
  notes = [];
  logged = [];
  programs = join(folder.path, 'bin');
  mkdirSync(programs);
  program('nix-instantiate', realNix === null ? FAKE_NIX_INSTANTIATE : `#!/bin/sh\nexec ${realNix} "$@"\n`);
  // Every git of the dashboard, with its arguments written down.
  program(
    'git',
    `#!/bin/sh\nprintf '%s\\n' "$*" >> "${join(folder.path, 'arguments')}"\nexec ${which('git') ?? 'git'} "$@"\n`,
  );
});
afterEach(() => folder.remove());

function program(name: string, text: string): void {
  writeFileSync(join(programs, name), text);
  chmodSync(join(programs, name), 0o755);
}

/** Only these programs, and what they need themselves. */
function environment(path = `${programs}${delimiter}/usr/bin${delimiter}/bin`): NodeJS.ProcessEnv {
  return { ...process.env, PATH: path, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' };
}

function writeBack(change: Partial<WriteBackOptions> = {}) {
  const note = (fields: object, message: string) => logged.push(`${message} ${JSON.stringify(fields)}`);
  return createColorWriteBack({
    mode: 'push',
    repository: bare,
    token: null,
    branch: 'main',
    file: FILE,
    folder: join(folder.path, 'data', 'nixcfg'),
    forge: null,
    clock: new TestClock(),
    log: { info: note, warn: note, error: note } as unknown as WriteBackOptions['log'],
    environment: environment(),
    ...change,
  });
}

function set(
  executor: ReturnType<typeof writeBack>,
  color: string | null,
  host = 'web',
  signal?: AbortSignal,
): Promise<DashboardOperationEnd> {
  return executor({
    commandId: 'c1',
    host: { id: host, name: host },
    args: { color },
    by: BY,
    note: (text) => notes.push(text),
    signal: signal ?? new AbortController().signal,
  });
}

const inRemote = (...args: string[]): string =>
  execFileSync('git', [`--git-dir=${bare}`, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();

describe(`a colour as a commit, checked by ${checker}`, () => {
  it('is one commit by NixFleet on the branch, in one file', async () => {
    const end = await set(writeBack(), '#7aa2f7');
    const head = inRemote('rev-parse', 'main');
    expect(end).toEqual({
      outcome: 'succeeded',
      reason: `The colour is #7aa2f7, committed to main as ${head.slice(0, 7)}.`,
    });
    expect(inRemote('log', '-1', '--format=%an <%ae>|%cn|%s|%b', 'main')).toBe(
      'NixFleet <nixfleet@localhost>|NixFleet|theme(web): change color to #7aa2f7|Set in NixFleet by ada.',
    );
    expect(inRemote('diff', '--name-only', 'main~1', 'main')).toBe(FILE);
    expect(inRemote('show', `main:${FILE}`)).toContain('web = "custom-web";');
    expect(inRemote('show', 'main:other.txt')).toBe('untouched');
    expect(notes[0]).toBe(`Fetching main of ${bare}.`);
  });

  it('is unchanged when the file already has it', async () => {
    const executor = writeBack();
    await set(executor, '#7aa2f7');
    const before = inRemote('rev-parse', 'main');
    expect(await set(executor, '#7aa2f7')).toEqual({ outcome: 'unchanged', reason: `${FILE} already has #7aa2f7.` });
    expect(inRemote('rev-parse', 'main')).toBe(before);
  });

  it('leaves the repository alone when the agent chooses the colour again', async () => {
    expect((await set(writeBack(), null)).outcome).toBe('succeeded');
    expect(existsSync(join(folder.path, 'data'))).toBe(false);
  });

  it('builds on commits pushed meanwhile, and writes one at a time', async () => {
    const executor = writeBack();
    const ends = await Promise.all([
      set(executor, '#111111'),
      set(executor, '#222222', 'db'),
      set(executor, '#333333'),
    ]);
    expect(ends.map(({ outcome }) => outcome)).toEqual(['succeeded', 'succeeded', 'succeeded']);
    expect(inRemote('rev-list', '--count', 'main')).toBe('4');
    // Somebody pushes between reading and writing, once.
    const nix = readFileSync(join(programs, 'nix-instantiate'), 'utf8').replace('#!/bin/sh\n', '');
    const mark = join(folder.path, 'pushed');
    working.git('pull', '--quiet', bare, 'main');
    working.commit('of somebody else', { 'other.txt': 'new\n' });
    if (realNix !== null) {
      const push = `[ -e ${mark} ] || (touch ${mark}; env -u GIT_INDEX_FILE git -C ${working.path} push --quiet ${bare} main)`;
      program('nix-instantiate', `#!/bin/sh\n${push}\n${nix}`);
      const end = await set(executor, '#444444');
      expect(end.outcome).toBe('succeeded');
      expect(notes).toContain('The branch has changed: reading it again.');
      expect(inRemote('show', 'main:other.txt')).toBe('new');
    }
  });

  it.each<[string, string, RegExp]>([
    ['has no such set', '{ palettes = { }; }\n', /^The file modules\/theme\.nix has no `hostPalette/],
    ['sets it twice', `${THEME}${THEME}`, /sets hostPalette 2 times.*Nothing was written\.$/],
    ['was already broken', `${THEME.trimEnd().slice(0, -1)}\n`, /would not be valid Nix/],
  ])('is refused when the file %s', async (_what, text, reason) => {
    working.commit('other', { [FILE]: text });
    working.git('push', '--quiet', bare, 'main');
    const before = inRemote('rev-parse', 'main');
    const end = await set(writeBack(), '#7aa2f7');
    expect(end.outcome).toBe('failed');
    expect(end.reason).toMatch(reason);
    expect(inRemote('rev-parse', 'main')).toBe(before);
  });

  it('is refused when the file is a link or missing', async () => {
    symlinkSync('/etc/passwd', join(working.path, 'link.nix'));
    working.commit('a link');
    working.git('push', '--quiet', bare, 'main');
    for (const file of ['link.nix', 'gone.nix', 'modules']) {
      expect((await set(writeBack({ file }), '#7aa2f7')).reason).toMatch(/has no file .*: set NIXFLEET_COLOR_FILE/);
    }
  });

  it('is refused without Nix', async () => {
    const without = join(folder.path, 'without');
    mkdirSync(without);
    symlinkSync(join(programs, 'git'), join(without, 'git'));
    symlinkSync('/bin/sh', join(without, 'sh'));
    const before = inRemote('rev-parse', 'main');
    const end = await set(writeBack({ environment: environment(without) }), '#7aa2f7');
    expect(end.outcome).toBe('failed');
    expect(end.reason).toMatch(/^The program nix-instantiate was not found.*install Nix/);
    expect(inRemote('rev-parse', 'main')).toBe(before);
  });

  it('is refused by a protected branch, and says what to do', async () => {
    writeFileSync(join(bare, 'hooks', 'pre-receive'), '#!/bin/sh\necho "protected branch" >&2\nexit 1\n');
    chmodSync(join(bare, 'hooks', 'pre-receive'), 0o755);
    expect((await set(writeBack(), '#7aa2f7')).reason).toContain('set NIXFLEET_COLOR_COMMIT_MODE=pr');
  });

  it('is refused by the server for a reason that git explains, which the message quotes', async () => {
    inRemote('config', 'receive.maxInputSize', '1');
    expect((await set(writeBack(), '#7aa2f7')).reason).toContain('pack exceeds maximum allowed size');
  });

  it('never touches a foreign folder, and keeps its copy private', async () => {
    const mine = join(folder.path, 'mine');
    mkdirSync(mine);
    writeFileSync(join(mine, 'precious'), 'x');
    expect((await set(writeBack({ folder: mine }), '#7aa2f7')).reason).toMatch(/was not created by NixFleet/);
    expect(readFileSync(join(mine, 'precious'), 'utf8')).toBe('x');
    await set(writeBack(), '#7aa2f7');
    expect(statSync(join(folder.path, 'data', 'nixcfg')).mode & 0o777).toBe(0o700);
  });

  describe('when the copy was damaged', () => {
    const copy = (...parts: string[]) => join(folder.path, 'data', 'nixcfg', ...parts);
    /** Cuts off every object: what a full disk or a power failure leaves. */
    const emptyObjects = () => {
      for (const name of readdirSync(copy('repository.git', 'objects'), { recursive: true, encoding: 'utf8' })) {
        if (!/[0-9a-f]{38}/.test(name)) continue;
        rmSync(copy('repository.git', 'objects', name));
        writeFileSync(copy('repository.git', 'objects', name), '');
      }
    };
    it.each<[string, () => void]>([
      ['a shallow.lock was left behind', () => writeFileSync(copy('repository.git', 'shallow.lock'), '')],
      ['an index.lock was left behind', () => writeFileSync(copy('index.lock'), '')],
      ['its reference is rubbish', () => writeFileSync(copy('repository.git', 'refs', 'nixfleet', 'base'), 'x')],
      ['its HEAD is gone', () => rmSync(copy('repository.git', 'HEAD'))],
      ['its objects are empty', emptyObjects],
    ])('writes all the same: %s', async (_what, damage) => {
      expect((await set(writeBack(), '#111111')).outcome).toBe('succeeded');
      damage();
      expect(await set(writeBack(), '#222222')).toMatchObject({ outcome: 'succeeded' });
      expect(inRemote('show', `main:${FILE}`)).toContain('#222222');
    });
  });

  it('is written into a SHA-256 repository', async () => {
    const other = createTestRepository(folder.path, 'sha256', 'sha256');
    other.commit('first', { [FILE]: THEME });
    other.git('config', 'receive.denyCurrentBranch', 'ignore');
    const end = await set(writeBack({ repository: other.path }), '#7aa2f7');
    expect(end).toMatchObject({ outcome: 'succeeded' });
    expect(other.git('show', `main:${FILE}`)).toContain('#7aa2f7');
    expect(other.git('rev-parse', 'main')).toHaveLength(64);
  });

  it('ends when it is stopped', async () => {
    const stop = new AbortController();
    stop.abort();
    expect((await set(writeBack(), '#7aa2f7', 'web', stop.signal)).outcome).toBe('failed');
    expect((await set(writeBack({ repository: join(folder.path, 'nowhere') }), '#7aa2f7')).reason).toContain(
      'cannot be fetched',
    );
  });
});

describe.each<Dialect>(['github', 'forgejo'])('a colour as a pull request at %s', (dialect) => {
  let fakeForge: FakeForge;
  beforeEach(async () => {
    fakeForge = new FakeForge(dialect);
    await fakeForge.start();
  });
  afterEach(() => fakeForge.stop());

  const forge = () => {
    const common = { repo: FAKE_FORGE_REPO, token: FAKE_FORGE_TOKEN, now: () => 0 };
    return dialect === 'github'
      ? createGitHub({ apiUrl: fakeForge.url, ...common })
      : createForgejo({ url: fakeForge.url, ...common });
  };

  it('is a separate branch and a pull request, which the next colour reuses', async () => {
    const executor = writeBack({ mode: 'pr', forge: forge() });
    const before = inRemote('rev-parse', 'main');
    const end = await set(executor, '#7aa2f7');
    expect(end).toEqual({
      outcome: 'succeeded',
      reason: 'The colour is #7aa2f7; pull request #1 brings it into main.',
    });
    expect(inRemote('rev-parse', 'main')).toBe(before);
    expect(inRemote('show', `nixfleet/color-web:${FILE}`)).toContain('#7aa2f7');
    expect(fakeForge.pulls.get(1)).toMatchObject({
      head: 'nixfleet/color-web',
      base: 'main',
      title: 'theme(web): change color to #7aa2f7',
    });
    const again = await set(executor, '#e0af68');
    expect(again.reason).toContain('the open pull request from nixfleet/color-web brings it into main');
    expect(inRemote('show', `nixfleet/color-web:${FILE}`)).toContain('#e0af68');
    expect(fakeForge.pulls.size).toBe(1);
  });

  it('reports a pushed branch without a pull request when the forge refuses', async () => {
    fakeForge.intercept = () => ({ status: 403, body: '{"message":"Resource not accessible"}' });
    const end = await set(writeBack({ mode: 'pr', forge: forge() }), '#7aa2f7');
    expect(end.outcome).toBe('failed');
    expect(end.reason).toMatch(
      /^The branch nixfleet\/color-web was pushed, but no pull request was opened\. The token is not allowed to open/,
    );
  });
});

describe('the token of a repository by http', () => {
  it('is sent as a header: it is in no argument, address, file, note or message', async () => {
    execFileSync('git', [`--git-dir=${bare}`, 'config', 'http.receivepack', 'true']);
    const seen: string[] = [];
    const backend = gitBackend(folder.path);
    const wanted = `Basic ${Buffer.from(`x-access-token:${FAKE_FORGE_TOKEN}`).toString('base64')}`;
    const server = await serve((request, response) => {
      seen.push(request.url ?? '');
      if (request.headers.authorization === wanted) backend(request, response);
      else response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
    });
    try {
      const repository = `${server.url}/remote.git`;
      const refused = await set(writeBack({ repository, token: 'wr0ng-t0ken' }), '#7aa2f7');
      expect(refused.outcome).toBe('failed');
      expect(refused.reason).toMatch(/give NixFleet a token or key that may read the repository/);
      const end = await set(writeBack({ repository, token: FAKE_FORGE_TOKEN }), '#7aa2f7');
      expect(end).toMatchObject({ outcome: 'succeeded' });
      expect(inRemote('show', `main:${FILE}`)).toContain('#7aa2f7');
      const said = [
        ...notes,
        ...logged,
        ...seen,
        end.reason,
        refused.reason,
        readFileSync(join(folder.path, 'arguments'), 'utf8'),
      ];
      expect(said.join('\n')).not.toContain(FAKE_FORGE_TOKEN);
      const patterns = ['-e', FAKE_FORGE_TOKEN, '-e', wanted.slice('Basic '.length)];
      // 1: read everything and found nothing.
      expect(spawnSync('grep', ['-r', ...patterns, join(folder.path, 'data')]).status).toBe(1);
    } finally {
      await server.close();
    }
  });

  it('follows a new name on its server, also for the push, and never reaches another server', async () => {
    execFileSync('git', [`--git-dir=${bare}`, 'config', 'http.receivepack', 'true']);
    const seen: (string | undefined)[] = [];
    const second = await serve((request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(404).end();
    });
    let base = second.url;
    const backend = gitBackend(folder.path);
    const wanted = `Basic ${Buffer.from(`x-access-token:${FAKE_FORGE_TOKEN}`).toString('base64')}`;
    const server = await serve((request, response) => {
      const { url = '' } = request;
      if (request.headers.authorization !== wanted)
        response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
      else if (url.startsWith('/old.git'))
        response.writeHead(301, { location: `${base}${url.replace('/old.git', '/remote.git')}` }).end();
      else backend(request, response);
    });
    try {
      const executor = writeBack({ repository: `${server.url}/old.git`, token: FAKE_FORGE_TOKEN });
      const refused = await set(executor, '#7aa2f7');
      expect(refused.outcome).toBe('failed');
      expect(refused.reason).toContain(`redirects to ${second.url}/remote.git`);
      expect(seen).toEqual([]);
      base = '';
      expect(await set(executor, '#7aa2f7')).toMatchObject({ outcome: 'succeeded' });
      expect(inRemote('show', `main:${FILE}`)).toContain('#7aa2f7');
    } finally {
      await server.close();
      await second.close();
    }
  });
});
