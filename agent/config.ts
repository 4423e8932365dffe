/** The agent's configuration: every environment variable that it reads, with its meaning, default and checks. */
import { join } from 'node:path';
import { flakeFolderOf } from '@/lib/git/flake-folder';
import { hostNameOf } from '@/lib/protocol/agent/host-name';
import { themeColorOf } from '@/lib/protocol/agent/theme-color';
import { LOG_LEVELS, type LogLevel } from './log';

/** The profile of a NixOS system. */
const SYSTEM_PROFILE = '/nix/var/nix/profiles/system';
/** Where the modules write it: a part of the system, which only root changes. */
const POLICY_FILE = '/etc/nixfleet-agent/policy.json';
/** Where the NixOS module installs it. A path that outlives a switch. */
const ROOT_HELPER = '/run/current-system/sw/bin/nixfleet-root';

export type HostType = 'nixos' | 'macos';

export interface AgentConfig {
  url: string;
  /** '' where only an enrolment code is configured. */
  token: string;
  /** '' where none is configured. */
  enrolmentCode: string;
  /** As configured, credentials included; '' in legacy mode. Never shown: see `splitRepositoryAddress`. */
  repoUrl: string;
  repoDir: string;
  branch: string;
  sshKey: string;
  intervalS: number;
  logLevel: LogLevel;
  /** The name of the host for the dashboard. */
  hostname: string;
  /** The machine's name as it is, where it is the host's name as well; '' where NIXFLEET_HOSTNAME is set. */
  machineName: string;
  /** The name of this host in the flake; '' to find it by the host's name. */
  flakeAttribute: string;
  /** The folder of the flake in the repository; '' for its root. */
  flakeDir: string;
  submodules: boolean;
  nixpkgsVersion: string;
  themeColor: string;
  location: string;
  deviceType: string;
  stateDir: string;
  hostType: HostType;
  /** The link that points at the running system, or at the active Home Manager generation. */
  systemLink: string;
  /** The profile that points at the system that was built last. */
  systemProfile: string;
  /** Path of nixfleet-root, as the sudo rule names it; '' where there is none. */
  rootHelper: string;
  /** Memory that a build may take, such as 80% or 6G; '' without a limit. */
  buildMemory: string;
  /** The file that says what this host accepts. */
  policyFile: string;
  /** The home folder of the agent's user. */
  home: string;
}

/** Facts of the machine that the configuration depends on. */
export interface MachineFacts {
  platform: NodeJS.Platform;
  home: string;
  /** Without a domain, as the machine spells it. */
  name: string;
  readFile: (path: string) => string;
  /** Whether this user may create the folder, or files in it. */
  mayWrite: (folder: string) => boolean;
  /** The profile of Home Manager. `stateHome`: XDG_STATE_HOME. */
  homeProfile: (stateHome: string) => string;
  /** The folder in which the agent was started. */
  startedIn: string;
}

/**
 * `warnings`: values that are not used as written, and what is used instead. `mayPass`: nothing is wrong but a file that
 * may appear later, such as a secret that is decrypted after the login.
 */
export type AgentConfigResult =
  { ok: true; config: AgentConfig; warnings: string[] } | { ok: false; problems: string[]; mayPass: boolean };

/** Each variable with its default and its description: the text of `--help`. */
export const AGENT_VARIABLES: readonly (readonly [name: string, fallback: string, prose: string])[] = [
  ['NIXFLEET_URL', 'required', 'the dashboard, such as wss://fleet.example.com/ws'],
  ['NIXFLEET_TOKEN', 'required without a code', 'the token of this host, or the shared one of the dashboard'],
  [
    'NIXFLEET_TOKEN_FILE',
    '',
    'a file with the bare token, NIXFLEET_TOKEN=… or NIXFLEET_ENROLMENT_CODE=…; read when NIXFLEET_TOKEN is not set',
  ],
  [
    'NIXFLEET_ENROLMENT_CODE',
    '',
    'a one-time code from the dashboard: at its first start the agent fetches its token and stores it in the state folder',
  ],
  ['NIXFLEET_REPO_URL', '', 'the configuration repository; the agent maintains a clone of it'],
  [
    'NIXFLEET_REPO_DIR',
    '<state folder>/repo',
    'the folder of that clone; without NIXFLEET_REPO_URL, a checkout that you maintain',
  ],
  ['NIXFLEET_NIXCFG', '', 'older name of NIXFLEET_REPO_DIR'],
  ['NIXFLEET_BRANCH', 'main', 'the branch that the host follows'],
  ['NIXFLEET_SSH_KEY', '', 'private key file for a repository over SSH'],
  ['NIXFLEET_INTERVAL', '5', 'seconds between heartbeats, 1 to 3600'],
  ['NIXFLEET_LOG_LEVEL', 'info', LOG_LEVELS.join(', ')],
  [
    'NIXFLEET_HOSTNAME',
    'the name of this machine in lower case',
    'the name of the host, also in hosts/<name> and in the flake',
  ],
  [
    'NIXFLEET_FLAKE_ATTRIBUTE',
    'the name of the host',
    'the name of this host below nixosConfigurations or homeConfigurations, such as alice@laptop',
  ],
  ['NIXFLEET_FLAKE_DIR', 'the root', 'the folder of the flake in the repository; set the same on the dashboard'],
  ['NIXFLEET_SUBMODULES', 'false', 'true: the configuration needs the submodules of the repository'],
  ['NIXFLEET_NIXPKGS_VERSION', '/run/current-system/nixos-version', 'the version to report; no page shows it'],
  ['NIXFLEET_THEME_COLOR', '', 'colour of the host in the dashboard, such as #7aa2f7'],
  ['NIXFLEET_LOCATION', 'home', 'where the host is'],
  ['NIXFLEET_DEVICE_TYPE', 'desktop', 'what the host is'],
  [
    'NIXFLEET_STATE_DIR',
    '/var/lib/nixfleet-agent',
    'unacknowledged results, the token of this host, the process lock, known SSH hosts',
  ],
  ['NIXFLEET_HOST_TYPE', 'by the operating system', 'nixos or macos: macos uses home-manager, also on Linux'],
  [
    'NIXFLEET_SYSTEM_LINK',
    '/run/current-system',
    'the link that points at the running system; with home-manager its profile, by default the one that it uses',
  ],
  [
    'NIXFLEET_BUILD_MEMORY',
    'no limit',
    'memory that a build may take, such as 80% or 6G; needs Delegate=yes in the unit, and a host with nixfleet-root',
  ],
  [
    'NIXFLEET_ROOT_HELPER',
    ROOT_HELPER,
    'the program that activates systems as root; "none": nixos-rebuild is called instead',
  ],
  ['NIXFLEET_POLICY_FILE', POLICY_FILE, 'the file that says what this host accepts from its dashboard'],
  ['NIXFLEET_SYSTEM_PROFILE', SYSTEM_PROFILE, 'the profile of the system: it points at the one that was built last'],
];

const HOSTNAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
const FLAKE_ATTRIBUTE = /^[^\s#"'\\\p{Cc}]{0,200}$/u;
const BRANCH = /^(?![-/.])[^\s~^:?*[\\\p{Cc}]{1,200}$/u;
const NO_CONTROLS = /^[^\p{Cc}]*$/u;

/** Variables of version 1's agent that have no effect here, and what to do instead. */
const FORMER_VARIABLES: Readonly<Record<string, string>> = {
  NIXFLEET_CA_FILE: 'set NODE_EXTRA_CA_CERTS to that file',
  NIXFLEET_PINNED_PUBKEY: 'the certificate is checked, the key is not pinned; remove it',
  NIXFLEET_ALLOW_INSECURE_HTTP: 'ws:// in NIXFLEET_URL connects without TLS; remove it',
};

/**
 * Reads the configuration, or lists every problem. An empty value counts as unset; surrounding spaces are dropped. What
 * the agent of version 3 accepted ends this one only where it can't work: secrets, addresses and names.
 */
export function readAgentConfig(
  env: Readonly<Record<string, string | undefined>>,
  machine: MachineFacts,
): AgentConfigResult {
  const problems: string[] = [];
  const missing: string[] = [];
  const warnings: string[] = [];
  const get = (name: string): string => (env[name] ?? '').trim();
  const path = (name: string): string => absolutePath(name, get(name), machine, warnings);
  const stateDir = get('NIXFLEET_STATE_DIR') || defaultStateDir(env, machine);
  const hostType = readHostType(get('NIXFLEET_HOST_TYPE'), machine, problems);
  const repoUrl = get('NIXFLEET_REPO_URL');
  const config: AgentConfig = {
    url: readUrl(get('NIXFLEET_URL'), problems),
    ...readSecret(
      { token: get('NIXFLEET_TOKEN'), file: get('NIXFLEET_TOKEN_FILE'), code: get('NIXFLEET_ENROLMENT_CODE') },
      machine,
      problems,
      missing,
    ),
    repoUrl,
    repoDir: path('NIXFLEET_REPO_DIR') || path('NIXFLEET_NIXCFG') || (repoUrl === '' ? '' : join(stateDir, 'repo')),
    branch: get('NIXFLEET_BRANCH') || 'main',
    sshKey: path('NIXFLEET_SSH_KEY'),
    intervalS: readInterval(get('NIXFLEET_INTERVAL'), problems, warnings),
    logLevel: readLogLevel(get('NIXFLEET_LOG_LEVEL'), warnings),
    hostname: get('NIXFLEET_HOSTNAME') || machine.name.toLowerCase(),
    machineName: get('NIXFLEET_HOSTNAME') === '' ? machine.name : '',
    flakeAttribute: get('NIXFLEET_FLAKE_ATTRIBUTE'),
    flakeDir: readFlakeDir(get('NIXFLEET_FLAKE_DIR'), problems),
    submodules: readSwitch('NIXFLEET_SUBMODULES', get('NIXFLEET_SUBMODULES'), problems),
    nixpkgsVersion: get('NIXFLEET_NIXPKGS_VERSION'),
    themeColor: readColor(get('NIXFLEET_THEME_COLOR'), warnings),
    location: get('NIXFLEET_LOCATION') || 'home',
    deviceType: get('NIXFLEET_DEVICE_TYPE') || 'desktop',
    stateDir,
    hostType,
    systemLink:
      get('NIXFLEET_SYSTEM_LINK') ||
      (hostType === 'nixos'
        ? '/run/current-system'
        : machine.homeProfile(get('XDG_STATE_HOME') || join(machine.home, '.local', 'state'))),
    systemProfile: get('NIXFLEET_SYSTEM_PROFILE') || SYSTEM_PROFILE,
    buildMemory: get('NIXFLEET_BUILD_MEMORY'),
    rootHelper: readRootHelper(get('NIXFLEET_ROOT_HELPER'), hostType, problems),
    policyFile: path('NIXFLEET_POLICY_FILE') || POLICY_FILE,
    home: machine.home,
  };
  if (config.repoDir === '')
    problems.push(
      'Set NIXFLEET_REPO_URL to the address of your configuration repository (the agent clones it), or NIXFLEET_REPO_DIR to an existing checkout.',
    );
  for (const [name, path] of [
    ['NIXFLEET_REPO_DIR', config.repoDir],
    ['NIXFLEET_STATE_DIR', config.stateDir],
    ['NIXFLEET_SSH_KEY', config.sshKey],
    ['NIXFLEET_POLICY_FILE', config.policyFile],
  ] as const)
    if (path !== '' && (!path.startsWith('/') || !NO_CONTROLS.test(path)))
      problems.push(`${name} must be an absolute path: write /… instead of "${path}".`);
  if (repoUrl.startsWith('-') || !NO_CONTROLS.test(repoUrl))
    problems.push(
      'NIXFLEET_REPO_URL is not an address that git can clone: write https://…, ssh://…, git@host:path or an absolute path.',
    );
  if (!BRANCH.test(config.branch) || config.branch.includes('..'))
    problems.push(`NIXFLEET_BRANCH "${config.branch}" is not the name of a branch: write main, for example.`);
  if (!HOSTNAME.test(config.hostname))
    problems.push(
      `NIXFLEET_HOSTNAME "${config.hostname}" is not a host name: write 1 to 63 letters, digits, dots, "-" or "_", beginning and ending with a letter or digit.`,
    );
  if (!FLAKE_ATTRIBUTE.test(config.flakeAttribute))
    problems.push(
      `NIXFLEET_FLAKE_ATTRIBUTE "${config.flakeAttribute}" can't be the name of a configuration: write it without spaces, "#", quotes and backslashes, such as alice@laptop.`,
    );
  for (const [name, instead] of Object.entries(FORMER_VARIABLES))
    if (Object.hasOwn(env, name)) warnings.push(`${name} has no effect: ${instead}.`);
  return problems.length + missing.length === 0
    ? { ok: true, config, warnings }
    : { ok: false, problems: [...problems, ...missing], mayPass: problems.length === 0 };
}

/** '' for a text that is not a colour: the dashboard then shows the colour of the host's system. */
function readColor(value: string, warnings: string[]): string {
  const color = themeColorOf(value);
  if (value !== '' && color === null)
    warnings.push(
      `NIXFLEET_THEME_COLOR "${value}" is not a colour and is left out: write # and six hexadecimal digits, such as #7aa2f7.`,
    );
  return color ?? '';
}

/** A relative path begins where the agent was started, which changes with the service manager. */
function absolutePath(name: string, value: string, { startedIn, home }: MachineFacts, warnings: string[]): string {
  if (value === '' || value.startsWith('/') || !NO_CONTROLS.test(value)) return value;
  // Only a shell replaces a tilde: a folder of that name was never meant.
  const absolute = value.startsWith('~/') ? join(home, value.slice(2)) : join(startedIn, value);
  warnings.push(`${name} "${value}" is not an absolute path: ${absolute} is used. Write an absolute path.`);
  return absolute;
}

function readUrl(value: string, problems: string[]): string {
  const example = 'wss://fleet.example.com/ws';
  if (value === '') problems.push(`Set NIXFLEET_URL to the address of your dashboard, such as ${example}.`);
  else if (!URL.canParse(value)) problems.push(`NIXFLEET_URL is not an address: write it as ${example}.`);
  else {
    const url = new URL(value);
    if (url.username !== '' || url.password !== '')
      problems.push('NIXFLEET_URL must not contain a user or password: the token goes into NIXFLEET_TOKEN.');
    else if (url.protocol === 'http:' || url.protocol === 'https:')
      problems.push(
        `NIXFLEET_URL must begin with ws:// or wss://: write ${url.protocol === 'http:' ? 'ws' : 'wss'}://${url.host}${url.pathname === '/' ? '/ws' : url.pathname}.`,
      );
    else if (url.protocol !== 'ws:' && url.protocol !== 'wss:')
      problems.push(`NIXFLEET_URL must begin with ws:// or wss://: write it as ${example}.`);
    else if (url.pathname === '/' || url.pathname === '')
      problems.push(`NIXFLEET_URL has no path: the agents' socket is at /ws. Write ${url.protocol}//${url.host}/ws.`);
    else if (url.hash !== '') problems.push('NIXFLEET_URL must not contain a "#": leave out what follows it.');
  }
  return value;
}

/**
 * What the agent proves itself with. The file may hold an enrolment code in the token's place: modules name one file.
 * `missing` gets what a later attempt may find.
 */
function readSecret(
  { token: value, file, code }: { token: string; file: string; code: string },
  machine: MachineFacts,
  problems: string[],
  missing: string[],
): Pick<AgentConfig, 'token' | 'enrolmentCode'> {
  let token = value;
  const enrolmentCode = code;
  let source = 'NIXFLEET_TOKEN';
  if (token === '' && file !== '') {
    source = `the file of NIXFLEET_TOKEN_FILE (${file})`;
    try {
      const content = machine.readFile(file);
      const codeInFile = assignedIn(content, 'NIXFLEET_ENROLMENT_CODE') ?? '';
      if (codeInFile !== '' && assignedIn(content, 'NIXFLEET_TOKEN') === undefined)
        return { token: '', enrolmentCode: code || codeInFile };
      token = tokenOfFile(content);
    } catch (error) {
      missing.push(
        `NIXFLEET_TOKEN_FILE: ${file} can't be read (${error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason'}): make it readable for the agent's user.`,
      );
      return { token: '', enrolmentCode };
    }
    if (token === '') {
      missing.push(`NIXFLEET_TOKEN_FILE: ${file} contains no token: write the bare token, or NIXFLEET_TOKEN=<token>.`);
      return { token: '', enrolmentCode };
    }
  }
  if (token === '') {
    if (enrolmentCode !== '') return { token: '', enrolmentCode };
    problems.push(
      "Set NIXFLEET_TOKEN to this host's token or the dashboard's shared one, NIXFLEET_TOKEN_FILE to a file that holds it, or NIXFLEET_ENROLMENT_CODE to a code from the dashboard.",
    );
  } else if (!/^[\x21-\x7e]+$/.test(token))
    problems.push(`The token in ${source} contains spaces or characters that a header can't carry: copy it again.`);
  return { token, enrolmentCode };
}

/** The token in a file: bare, or in the form of a systemd environment file. */
const tokenOfFile = (content: string): string => assignedIn(content, 'NIXFLEET_TOKEN') ?? unquoted(content.trim());

/** The value that a line `NAME=…` of the file assigns. */
function assignedIn(content: string, name: string): string | undefined {
  const lines = content.split('\n').map((line) => line.trim());
  const assigned = lines.find((line) => /^(?:export\s+)?(\w+)\s*=/.exec(line)?.[1] === name);
  return assigned === undefined ? undefined : unquoted(assigned.slice(assigned.indexOf('=') + 1).trim());
}

const unquoted = (value: string): string => (/^(["']).*\1$/s.test(value) ? value.slice(1, -1) : value);

const MAX_INTERVAL_S = 3600;

function readInterval(value: string, problems: string[], warnings: string[]): number {
  if (value === '') return 5;
  const seconds = /^\+?\d+$/.test(value) ? Number(value) : 0;
  const wanted = `write a whole number from 1 to ${MAX_INTERVAL_S}`;
  if (seconds < 1) problems.push(`NIXFLEET_INTERVAL "${value}" is not valid: ${wanted}.`);
  if (seconds > MAX_INTERVAL_S)
    warnings.push(
      `NIXFLEET_INTERVAL "${value}" is too long: ${MAX_INTERVAL_S} is used. To end this warning, ${wanted}.`,
    );
  return Math.min(seconds, MAX_INTERVAL_S);
}

function readLogLevel(value: string, warnings: string[]): LogLevel {
  const level = LOG_LEVELS.find((name) => name === (value === '' ? 'info' : value.toLowerCase()));
  if (level === undefined)
    warnings.push(`NIXFLEET_LOG_LEVEL "${value}" is not known: info is used. Write ${LOG_LEVELS.join(', ')}.`);
  return level ?? 'info';
}

function readFlakeDir(value: string, problems: string[]): string {
  const folder = flakeFolderOf(value);
  if (folder === null)
    problems.push(
      `NIXFLEET_FLAKE_DIR "${value}" is not a folder of the repository: write its path from the root, such as nix or systems/home.`,
    );
  return folder ?? '';
}

function readSwitch(name: string, value: string, problems: string[]): boolean {
  const word = value.toLowerCase();
  if (!['', 'true', 'false', '1', '0'].includes(word))
    problems.push(`${name} "${value}" is not known: write true or false.`);
  return word === 'true' || word === '1';
}

function readRootHelper(value: string, hostType: HostType, problems: string[]): string {
  if (value === 'none' || hostType !== 'nixos') return '';
  if (value !== '' && (!value.startsWith('/') || !NO_CONTROLS.test(value)))
    problems.push(`NIXFLEET_ROOT_HELPER "${value}" is not an absolute path: write one, or none.`);
  return value || ROOT_HELPER;
}

/** Why the dashboard would not admit a new host of this name; null when it would. */
export function hostNameProblem(hostname: string): string | null {
  return hostNameOf(hostname) !== null
    ? null
    : `the dashboard admits no new host named "${hostname}": set NIXFLEET_HOSTNAME to 1 to 63 letters, digits and "-", beginning and ending with a letter or digit (without a domain)`;
}

function readHostType(value: string, machine: MachineFacts, problems: string[]): HostType {
  const byPlatform = machine.platform === 'darwin' ? 'macos' : 'nixos';
  if (value === '' || value === 'nixos' || value === 'macos') return value === '' ? byPlatform : value;
  problems.push(`NIXFLEET_HOST_TYPE "${value}" is not known: write nixos or macos, or leave it out.`);
  return byPlatform;
}

function defaultStateDir(env: Readonly<Record<string, string | undefined>>, machine: MachineFacts): string {
  const ofUser = join((env['XDG_STATE_HOME'] ?? '').trim() || join(machine.home, '.local', 'state'), 'nixfleet-agent');
  if (machine.platform === 'darwin') return join(machine.home, '.local', 'state', 'nixfleet-agent');
  const system = '/var/lib/nixfleet-agent';
  return machine.mayWrite(system) ? system : ofUser;
}
