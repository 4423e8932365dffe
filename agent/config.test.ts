import { describe, expect, it } from 'vitest';
import { hostNameProblem, readAgentConfig, AGENT_VARIABLES, type MachineFacts } from './config';
import { completePath, childEnvironment } from './machine';

const machine: MachineFacts = {
  platform: 'linux',
  home: '/home/u',
  name: 'box',
  readFile: (path) => {
    const files: Record<string, string> = {
      '/bare': '  secret-token\n',
      '/assigned': '# agenix\nNIXFLEET_TOKEN="secret-token"\n',
      '/empty': '\n',
    };
    const text = files[path];
    if (text === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
    return text;
  },
  mayWrite: () => true,
  homeProfile: (stateHome) => `${stateHome}/nix/profiles/home-manager`,
  startedIn: '/srv',
};
const good = {
  NIXFLEET_URL: 'wss://fleet.example.com/ws',
  NIXFLEET_TOKEN: ' secret-token\n',
  NIXFLEET_REPO_URL: 'git@git.example.com:ops/nixcfg.git',
};

function config(env: Record<string, string>, on: MachineFacts = machine) {
  const result = readAgentConfig({ ...good, ...env }, on);
  if (!result.ok) throw new Error(result.problems.join('\n'));
  return result.config;
}

function problems(env: Record<string, string>): string[] {
  const result = readAgentConfig(env, machine);
  return result.ok ? [] : result.problems;
}

describe('readConfig', () => {
  it('has the defaults of the reference', () => {
    expect(config({})).toEqual({
      url: 'wss://fleet.example.com/ws',
      token: 'secret-token',
      enrolmentCode: '',
      repoUrl: 'git@git.example.com:ops/nixcfg.git',
      repoDir: '/var/lib/nixfleet-agent/repo',
      branch: 'main',
      sshKey: '',
      intervalS: 5,
      logLevel: 'info',
      hostname: 'box',
      machineName: 'box',
      flakeAttribute: '',
      flakeDir: '',
      submodules: false,
      nixpkgsVersion: '',
      themeColor: '',
      location: 'home',
      deviceType: 'desktop',
      stateDir: '/var/lib/nixfleet-agent',
      hostType: 'nixos',
      systemLink: '/run/current-system',
      systemProfile: '/nix/var/nix/profiles/system',
      rootHelper: '/run/current-system/sw/bin/nixfleet-root',
      buildMemory: '',
      policyFile: '/etc/nixfleet-agent/policy.json',
      home: '/home/u',
    });
    const mac = config({}, { ...machine, platform: 'darwin', home: '/Users/u' });
    expect(mac).toMatchObject({ hostType: 'macos', repoDir: '/Users/u/.local/state/nixfleet-agent/repo' });
    expect(mac.systemLink).toBe('/Users/u/.local/state/nix/profiles/home-manager');
    expect(config({ NIXFLEET_HOST_TYPE: 'macos', XDG_STATE_HOME: '/state' }).systemLink).toBe(
      '/state/nix/profiles/home-manager',
    );
    const user = config({}, { ...machine, mayWrite: () => false });
    expect(user.stateDir).toBe('/home/u/.local/state/nixfleet-agent');
  });

  it('treats an empty value as unset, and takes the folder from the first name that is set', () => {
    expect(config({ NIXFLEET_INTERVAL: '', NIXFLEET_BRANCH: ' ', NIXFLEET_HOSTNAME: '' })).toMatchObject({
      intervalS: 5,
      branch: 'main',
      hostname: 'box',
    });
    expect(config({ NIXFLEET_NIXCFG: '/old' }).repoDir).toBe('/old');
    expect(config({ NIXFLEET_NIXCFG: '/old', NIXFLEET_REPO_DIR: '/new' }).repoDir).toBe('/new');
    expect(config({ NIXFLEET_REPO_URL: '', NIXFLEET_NIXCFG: '/old' })).toMatchObject({ repoUrl: '', repoDir: '/old' });
  });

  it("names the host by the machine in lower case, and keeps the machine's spelling to find it in the flake", () => {
    const named = { ...machine, name: 'Epsilon' };
    expect(config({}, named)).toMatchObject({ hostname: 'epsilon', machineName: 'Epsilon', flakeAttribute: '' });
    expect(config({ NIXFLEET_HOSTNAME: 'Web1' }, named)).toMatchObject({ hostname: 'Web1', machineName: '' });
    expect(config({ NIXFLEET_FLAKE_ATTRIBUTE: 'alice@laptop' }, named).flakeAttribute).toBe('alice@laptop');
  });

  it('reads the layout of the repository', () => {
    expect(config({ NIXFLEET_FLAKE_DIR: './systems/home/', NIXFLEET_SUBMODULES: 'true' })).toMatchObject({
      flakeDir: 'systems/home',
      submodules: true,
    });
    for (const value of ['false', '0', '']) expect(config({ NIXFLEET_SUBMODULES: value }).submodules).toBe(false);
    expect(
      problems({ ...good, NIXFLEET_FLAKE_DIR: '../x', NIXFLEET_FLAKE_ATTRIBUTE: 'a#b', NIXFLEET_SUBMODULES: 'maybe' }),
    ).toEqual([
      expect.stringContaining('NIXFLEET_FLAKE_DIR "../x" is not a folder'),
      expect.stringContaining('NIXFLEET_SUBMODULES "maybe" is not known: write true or false'),
      expect.stringContaining('NIXFLEET_FLAKE_ATTRIBUTE "a#b" can\'t be the name'),
    ]);
  });

  it.each([
    ['web-1', true],
    ['Web1', true],
    ['web-1.example.org', false],
    ['my_host', false],
  ])('finds a name that the dashboard does not admit: %s', (name, isAdmitted) => {
    expect(hostNameProblem(name) === null).toBe(isAdmitted);
  });

  it('reads an enrolment code from the token file', () => {
    const from = (content: string) =>
      readAgentConfig(
        { ...good, NIXFLEET_TOKEN: '', NIXFLEET_TOKEN_FILE: '/code' },
        { ...machine, readFile: () => content },
      );
    expect(from('NIXFLEET_ENROLMENT_CODE=nfe_code\n')).toMatchObject({
      config: { token: '', enrolmentCode: 'nfe_code' },
    });
    expect(from('NIXFLEET_ENROLMENT_CODE=nfe_code\nNIXFLEET_TOKEN=kept\n')).toMatchObject({
      config: { token: 'kept' },
    });
  });

  it('reads the token from a file in both forms', () => {
    for (const file of ['/bare', '/assigned'])
      expect(config({ NIXFLEET_TOKEN: '', NIXFLEET_TOKEN_FILE: file }).token).toBe('secret-token');
    expect(problems({ ...good, NIXFLEET_TOKEN: '', NIXFLEET_TOKEN_FILE: '/missing' })).toEqual([
      expect.stringContaining("/missing can't be read (ENOENT)"),
    ]);
    expect(problems({ ...good, NIXFLEET_TOKEN: '', NIXFLEET_TOKEN_FILE: '/empty' })).toEqual([
      expect.stringContaining('contains no token'),
    ]);
  });

  it('lists every problem at once, each saying what to write', () => {
    const list = problems({
      NIXFLEET_URL: 'ws://10.0.0.1:8000',
      NIXFLEET_TOKEN: 'two words',
      NIXFLEET_INTERVAL: '5s',
      NIXFLEET_HOSTNAME: '../../x',
      NIXFLEET_REPO_URL: '--upload-pack=evil',
      NIXFLEET_STATE_DIR: 'relative',
      NIXFLEET_BRANCH: '-x',
      NIXFLEET_HOST_TYPE: 'windows',
    });
    expect(list).toHaveLength(9);
    expect(list).toContain("NIXFLEET_URL has no path: the agents' socket is at /ws. Write ws://10.0.0.1:8000/ws.");
    for (const name of ['INTERVAL', 'HOSTNAME', 'REPO_URL', 'STATE_DIR', 'BRANCH', 'HOST_TYPE'])
      expect(list.some((problem) => problem.includes(`NIXFLEET_${name}`) && /write|set/i.test(problem))).toBe(true);
    expect(problems({})).toHaveLength(3);
    for (const interval of ['0', '-1', '1.5', 'NaN', '5s'])
      expect(problems({ ...good, NIXFLEET_INTERVAL: interval })).toHaveLength(1);
    expect(problems({ ...good, NIXFLEET_URL: 'https://fleet.example.com/ws' })[0]).toContain(
      'write wss://fleet.example.com/ws',
    );
  });

  it('describes every variable that it reads', () => {
    const read = new Set<string>();
    readAgentConfig(
      new Proxy(good, {
        get(target, name) {
          read.add(String(name));
          return Reflect.get(target, name) as unknown;
        },
      }),
      machine,
    );
    read.delete('XDG_STATE_HOME');
    expect([...read].sort()).toEqual(AGENT_VARIABLES.map(([name]) => name).sort());
  });
});

describe('the environment of child processes', () => {
  it('holds no token, and finds the set-uid sudo before the plain one', () => {
    const env = childEnvironment(
      {
        NODE_ENV: 'test',
        PATH: '/fakes:/run/current-system/sw/bin',
        NIXFLEET_TOKEN: 'x',
        GIT_DIR: '/y',
        KEEP: 'z',
      },
      '/home/u',
    );
    expect(env).not.toHaveProperty('NIXFLEET_TOKEN');
    expect(env).not.toHaveProperty('GIT_DIR');
    expect(env['KEEP']).toBe('z');
    expect(env['PATH']).toMatch(/^\/fakes:\/run\/wrappers\/bin:\/run\/current-system\/sw\/bin:/);
    expect(completePath('/a:/run/wrappers/bin', '/home/u')).toMatch(/^\/a:\/run\/wrappers\/bin:/);
  });
});
