// @ts-check
/** A real agent with fake Nix programs, run as a service manager runs it. For the demo and for tests. */
import { existsSync, mkdirSync, realpathSync, rmSync, watch, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cleanEnvironment } from './environment.mjs';
import { startNode } from './processes.mjs';
import { readOptions } from './fake-nix/options.mjs';
import { earlierGenerations, earlierName, nixpkgsVersion, openSystem, wantedName } from './fake-nix/system.mjs';

/** The folder of the fake programs: it goes first on an agent's PATH. */
export const FAKE_NIX_BIN = fileURLToPath(new URL('./fake-nix/bin', import.meta.url));

/** A wrong configuration stays wrong when it is tried again. */
const EXIT_CONFIG = 78;
const RESTART_MS = 1_000;
/** A machine runs on for a moment before it reboots: long enough for the agent to report it. */
const GOING_DOWN_MS = 1_000;
/** How long a reboot takes at normal speed. */
const BOOT_MS = 8_000;
/** After this time an agent that ignores SIGTERM gets SIGKILL. */
const STOP_TIMEOUT_MS = 6_000;

/** @typedef {import('./fleet.mjs').DemoHost} DemoHost */
/** @typedef {ReturnType<typeof startDemoAgent>} DemoAgent */

/**
 * @typedef {object} AgentOptions
 * @property {DemoHost} host
 * @property {string} folder of this host alone, created when missing
 * @property {string} bundle path of the agent: `dist/agent.mjs`
 * @property {string} url of the dashboard's agent socket: `ws://127.0.0.1:8000/ws`
 * @property {string} token
 * @property {{ origin: string, work: string }} repository
 * @property {number} [intervalS] between heartbeats
 * @property {number} [restartMs] between the agent's end and its next start
 * @property {Record<string, string | undefined>} [env] added to what the agent inherits: options of the fake programs, for instance
 * @property {(line: string) => void} [onLine] each line of the agent's log
 */

/**
 * Starts the agent of one host. On macOS its system is what its clone (`state/repo`) or else the repository describes; on
 * NixOS an earlier one, so that the first switch has something to do.
 * The agent is restarted whenever it ends, until `stop`; after `reboot` it is offline for some seconds.
 * @param {AgentOptions} options
 */
export function startDemoAgent({
  host,
  folder,
  bundle,
  url,
  token,
  repository,
  intervalS = 3,
  restartMs = RESTART_MS,
  env,
  onLine,
}) {
  mkdirSync(join(folder, 'home'), { recursive: true });
  const root = realpathSync(folder);
  const stateDir = join(root, 'state');
  const systemDir = join(root, 'system');
  const inherited = { ...cleanEnvironment(process.env).env, ...env };
  const bootMs = BOOT_MS / readOptions(inherited).speed;
  const system = openSystem(systemDir);
  const clone = join(stateDir, 'repo');
  const flake = existsSync(clone) ? clone : repository.work;
  const name = wantedName(flake, host.name, host.type);
  const isNixos = host.type === 'nixos';
  if (name !== null && system.current() === null) {
    if (isNixos) system.addEarlier(earlierGenerations(name, new Date()));
    system.activate(isNixos ? earlierName(name) : name);
    if (isNixos) system.boot();
  }
  const policyFile = join(root, 'policy.json');
  if (host.policy !== undefined) writeFileSync(policyFile, JSON.stringify(host.policy));
  const environment = {
    ...inherited,
    // The fakes are Node programs and need this Node, whatever PATH says.
    PATH: [FAKE_NIX_BIN, inherited['PATH'] ?? '', dirname(process.execPath)].filter(Boolean).join(delimiter),
    HOME: join(root, 'home'),
    NIXFLEET_URL: url,
    NIXFLEET_TOKEN: token,
    NIXFLEET_REPO_URL: repository.origin,
    NIXFLEET_STATE_DIR: stateDir,
    NIXFLEET_HOSTNAME: host.name,
    NIXFLEET_HOST_TYPE: host.type,
    NIXFLEET_LOCATION: host.location,
    NIXFLEET_DEVICE_TYPE: host.deviceType,
    NIXFLEET_THEME_COLOR: host.themeColor,
    NIXFLEET_INTERVAL: String(intervalS),
    NIXFLEET_NIXPKGS_VERSION: isNixos ? nixpkgsVersion(flake) : '',
    NIXFLEET_SYSTEM_LINK: isNixos ? system.runningLink : system.profile,
    // Never the one of the machine that the demo runs on.
    NIXFLEET_ROOT_HELPER: host.rootHelper === false ? 'none' : join(FAKE_NIX_BIN, 'nixfleet-root'),
    NIXFLEET_SYSTEM_PROFILE: system.profile,
    NIXFLEET_POLICY_FILE: policyFile,
    NIXFLEET_DEMO_SYSTEM: systemDir,
  };

  const stopping = new AbortController();
  const isStopping = () => stopping.signal.aborted;
  let rebooting = false;
  /** @type {() => void} */
  let resolveRegistered = () => undefined;
  /** @type {Promise<void>} */
  const registered = new Promise((resolve) => {
    resolveRegistered = resolve;
  });
  const start = () =>
    startNode([bundle], {
      cwd: root,
      env: environment,
      onLine(line) {
        if (/ info registered \(/.test(line)) resolveRegistered();
        onLine?.(line);
      },
    });
  let agent = start();

  const rebootFile = join(systemDir, 'reboot');
  const watcher = watch(systemDir, () => {
    if (rebooting || isStopping() || !existsSync(rebootFile)) return;
    rebooting = true;
    void pause(GOING_DOWN_MS, stopping.signal).then(() => agent.stop(STOP_TIMEOUT_MS));
  });

  watcher.on('error', () => watcher.close());

  async function supervise() {
    for (;;) {
      const { code } = await agent.ended;
      if (isStopping() || code === EXIT_CONFIG) return;
      await pause(rebooting ? bootMs : restartMs, stopping.signal);
      if (isStopping()) return;
      if (rebooting) {
        rmSync(rebootFile, { force: true });
        system.boot();
      }
      rebooting = false;
      agent = start();
    }
  }
  const supervised = supervise().finally(() => watcher.close());

  return {
    host,
    /** The agent's current process; a new one after each restart. */
    get process() {
      return agent.child;
    },
    /** Resolves when the agent has registered for the first time. */
    registered,
    /** Resolves when the agent is no longer restarted: after `stop`, or because its configuration is wrong. */
    ended: supervised,
    lastLines: () => agent.lastLines(),
    async stop() {
      stopping.abort();
      await agent.stop(STOP_TIMEOUT_MS);
      await supervised;
    },
  };
}

/**
 * @param {number} ms
 * @param {AbortSignal} signal ends the pause early
 * @returns {Promise<void>}
 */
function pause(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end, { once: true });
    function end() {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    }
  });
}
