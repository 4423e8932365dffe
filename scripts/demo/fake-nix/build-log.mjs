// @ts-check
/** What Nix and the activation print, as lines with their share of the time. */
import { storeHash } from './system.mjs';
import { unitFailure } from './units.mjs';

/** @typedef {import('./print.mjs').Line} Line */
/** @typedef {import('./system.mjs').HostType} HostType */

const MAGENTA = '\u001b[35;1m';
const RED = '\u001b[31;1m';
const GREEN = '\u001b[32m';
const RESET = '\u001b[0m';

/** Binaries come from the fleet's own cache. */
const CACHE = 'https://cache.fleet.example';

const FETCHED = ['openssl-3.4.1', 'curl-8.14.1', 'git-2.50.1', 'nodejs-24.11.0', 'ripgrep-14.1.1', 'tailscale-1.86.2'];
const FETCHED_FOR = {
  nixos: ['linux-6.12.41', 'systemd-257.7', 'restic-0.18.0'],
  macos: ['fish-4.0.2', 'starship-1.23.0', 'direnv-2.36.0'],
};
const BUILT = {
  nixos: [
    'fleet-status-0.3.1',
    'nixfleet-agent-env',
    'unit-nixfleet-agent.service',
    'unit-restic-backups-home.service',
    'unit-prometheus-node-exporter.service',
    'firewall-start',
    'nix.conf',
    'sshd.conf-final',
    'system-units',
    'etc-ssh-config',
    'users-groups.json',
    'system-path',
    'etc',
  ],
  macos: [
    'fleet-status-0.3.1',
    'fish-config',
    'starship-config.toml',
    'git-config',
    'nixfleet-agent-launchd',
    'neovim-env',
    'direnv-config',
    'hm-session-vars.sh',
    'man-paths',
    'tmux.conf',
    'home-manager-path',
    'activation-script',
    'home-manager-files',
  ],
};

/**
 * @param {string} text
 * @param {number} [weight]
 * @returns {Line}
 */
const out = (text, weight = 1) => ({ text, stream: 'out', weight });
/**
 * @param {string} text
 * @param {number} [weight]
 * @returns {Line}
 */
const err = (text, weight = 1) => ({ text, stream: 'err', weight });

/**
 * What a build of a system is made of.
 * @typedef {object} BuildParts
 * @property {readonly string[]} built derivations; the first one is compiled, the last one is the system
 * @property {readonly string[]} fetched store paths
 * @property {readonly string[]} warnings of the evaluation
 */

/**
 * @typedef {object} Build
 * @property {string} host
 * @property {HostType} type
 * @property {string} name of the system in the store
 * @property {number} lines of compiler output
 * @property {boolean} fails
 */

/**
 * @param {Pick<Build, 'host' | 'type' | 'name'>} build
 * @returns {BuildParts}
 */
export function partsOf({ host, type, name }) {
  const path = (/** @type {string} */ what) => `/nix/store/${storeHash(`${name}\0${what}`)}-${what}`;
  return {
    built: [
      ...BUILT[type].map((what) => `${path(what)}.drv`),
      `/nix/store/${storeHash(`${name}\0drv`)}-${name.slice(33)}.drv`,
    ],
    fetched: [...FETCHED, ...FETCHED_FOR[type]].map(path),
    warnings: [
      `${MAGENTA}evaluation warning:${RESET} ${host}: 'system' has been renamed to/replaced by 'stdenv.hostPlatform.system'`,
      `${MAGENTA}evaluation warning:${RESET} The option \`programs.git.userName' has been renamed to \`programs.git.settings.user.name'.`,
    ],
  };
}

/**
 * Evaluation and build of a system, without its activation, as text.
 * @param {Build} build
 * @returns {Line[]}
 */
export function buildLog({ host, type, name, lines, fails }) {
  const { built, fetched, warnings } = partsOf({ host, type, name });
  const [first = ''] = built;
  const log = [
    err(type === 'nixos' ? 'building the system configuration...' : 'Starting Home Manager activation', 2),
    ...warnings.map((warning, index) => err(warning, index === 0 ? 30 : 1)),
    err(`these ${built.length} derivations will be built:`, 12),
    ...built.map((drv) => err(`  ${drv}`, 0)),
    err(`these ${fetched.length} paths will be fetched (61.27 MiB download, 248.90 MiB unpacked):`, 0),
    ...fetched.map((one) => err(`  ${one}`, 0)),
    ...fetched.map((one) => err(`copying path '${one}' from '${CACHE}'...`, 5)),
    err(`building '${first}'...`, 4),
    ...compilerLines(lines),
  ];
  return fails
    ? [...log, ...failure(first, built)]
    : [...log, ...built.slice(1).map((drv) => err(`building '${drv}'...`, 2))];
}

/** Share of the time that the compiler takes, however many lines it prints. */
export const COMPILER_WEIGHT = 80;

/**
 * Numbered, so that a reader sees whether one is missing.
 * @param {number} count
 */
export function compilerTexts(count) {
  const width = String(count).length;
  return Array.from(
    { length: count },
    (_, index) => `[${String(index + 1).padStart(width)}/${count}] ${GREEN}Compiling${RESET} src/module_${index + 1}.c`,
  );
}

/**
 * @param {number} count
 * @returns {Line[]}
 */
function compilerLines(count) {
  return compilerTexts(count).map((text, index) => ({
    ...out(`fleet-status> ${text}`, COMPILER_WEIGHT / count),
    hold: index === Math.floor(count / 2),
  }));
}

/** What the compiler prints about its error. */
export const COMPILER_ERROR = [
  'Running phase: buildPhase',
  'build flags: -j2 SHELL=/bin/sh',
  "src/render.c:214:17: error: implicit declaration of function 'strlcpy' [-Wimplicit-function-declaration]",
  '  214 |                 strlcpy(line, title, sizeof line);',
  '      |                 ^~~~~~~',
  'make: *** [Makefile:42: src/render.o] Error 1',
];

/**
 * @param {string} drv the derivation that does not build
 * @param {readonly string[]} built
 * @returns {Line[]}
 */
function failure(drv, built) {
  const error = `${RED}error:${RESET}`;
  const depends = built
    .slice(-2)
    .map((one) => err(`${error} 1 dependencies of derivation '${one}' failed to build`, 1));
  return [
    err(`${error} builder for '${drv}' failed with exit code 2;`, 8),
    ...[
      `last ${COMPILER_ERROR.length} log lines:`,
      ...COMPILER_ERROR.map((text) => `> ${text}`),
      'For full logs, run:',
      `  nix log ${drv}`,
    ].map((text) => err(`       ${text}`, 0)),
    ...depends,
  ];
}

/**
 * @param {HostType} type
 * @param {string} name in the store
 * @param {boolean} [unitFails] whether a unit fails at its end
 * @returns {Line[]}
 */
export function activationLog(type, name, unitFails = false) {
  if (type === 'macos') {
    return [
      'Activating checkFilesChanged',
      'Activating checkLaunchAgents',
      'Activating checkLinkTargets',
      'Activating writeBoundary',
      'Activating createGpgHomedir',
      'Activating linkGeneration',
      'Cleaning up orphan links from the home folder',
      'Creating home file links in the home folder',
      'Activating installPackages',
      'Activating onFilesChange',
      'Activating setupLaunchAgents',
    ].map((text) => out(text, 4));
  }
  return [
    err('stopping the following units: restic-backups-home.timer', 6),
    out('activating the configuration...', 2),
    { ...out('setting up /etc...', 8), hold: true },
    err('reloading user units for ada...', 4),
    err('restarting sysinit-reactivation.target', 2),
    err('reloading the following units: dbus.service, firewall.service', 6),
    err('restarting the following units: nix-daemon.service, prometheus-node-exporter.service', 6),
    err('starting the following units: restic-backups-home.timer', 4),
    ...(unitFails
      ? unitFailure().map((text, index) => err(text, index === 0 ? 5 : 0))
      : [
          err('the following new units were started: fleet-status.service', 4),
          err(`Done. The new configuration is /nix/store/${name}`, 1),
        ]),
  ];
}

/** @returns {Line[]} the evaluation that a dry run prints */
export function evaluationLog() {
  return [
    err(
      `${MAGENTA}evaluation warning:${RESET} 'system' has been renamed to/replaced by 'stdenv.hostPlatform.system'`,
      3,
    ),
  ];
}

/**
 * @param {string} type
 * @param {string} host
 * @param {string} flake
 * @returns {Line[]}
 */
export function noSuchHost(type, host, flake) {
  const attribute = type === 'nixos' ? 'nixosConfigurations' : 'homeConfigurations';
  return [
    err(`${RED}error:${RESET} flake 'git+file://${flake}' does not provide attribute '${attribute}."${host}"'`, 1),
  ];
}

export { err, MAGENTA, out, RED, RESET };
