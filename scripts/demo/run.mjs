// @ts-check
/** One demo from start to end. */
import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { AGENT_BUNDLE } from '../build-agent.mjs';
import { SetupProblem } from '../setup/problem.mjs';
import { startDemoAgent } from './agents.mjs';
import { findPort, startDemoDashboard } from './dashboard.mjs';
import { RUN_VARIABLE } from './environment.mjs';
import {
  DEMO_HOSTS,
  FAILED_UNIT_HOST,
  FAILING_HOST,
  HOST_WITH_POLICY,
  STARTS_BEHIND,
  STORIES,
  WITHOUT_ROOT_HELPER,
} from './fleet.mjs';
import { endProcessesOf } from './processes.mjs';
import { createDemoRepository } from './repository.mjs';

const HEARTBEAT_S = 3;
const FETCH_INTERVAL = '5s';
const COMMIT_INTERVAL_MS = 60_000;

/** @typedef {import('./repository.mjs').DemoRepository} DemoRepository */

/**
 * Runs until `signal`; throws when the dashboard or an agent ends by itself. Leaves no process and no folder behind.
 * @param {string} root of the project, installed and built
 * @param {NodeJS.ProcessEnv} environment without settings of an installation
 * @param {AbortSignal} signal
 */
export async function runDemo(root, environment, signal) {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'nixfleet-demo-')));
  const run = randomUUID();
  const env = {
    ...environment,
    NIXFLEET_DEMO_FAILS: environment['NIXFLEET_DEMO_FAILS'] ?? FAILING_HOST,
    NIXFLEET_DEMO_FAILED_UNITS: environment['NIXFLEET_DEMO_FAILED_UNITS'] ?? FAILED_UNIT_HOST,
    [RUN_VARIABLE]: run,
  };
  /** @type {(() => Promise<void>)[]} */
  const stops = [];
  /** Synchronous, so that it also works when an unexpected error ends this process. */
  const removeAll = () => {
    const left = endProcessesOf(run);
    if (left.length > 0) console.error(`These processes could not be ended: ${left.join(', ')}.`);
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  };
  process.once('exit', removeAll);
  try {
    await play();
  } finally {
    await Promise.all(stops.map((stop) => stop()));
    removeAll();
    process.off('exit', removeAll);
    console.log('The demo has ended and its files are removed.');
  }

  async function play() {
    const repository = await createDemoRepository(folder, DEMO_HOSTS, { env, signal });
    const { hash } = await import('@node-rs/bcrypt');
    const password = newPassword();
    const token = randomBytes(24).toString('base64url');
    const settings = {
      NIXFLEET_DEMO: 'true',
      NIXFLEET_DATA_DIR: join(folder, 'data'),
      NIXFLEET_CONFIG_REPO: repository.origin,
      NIXFLEET_VERSION_FETCH_TTL: FETCH_INTERVAL,
      NIXFLEET_PASSWORD_HASH: await hash(password),
      NIXFLEET_AGENT_TOKEN: token,
      NIXFLEET_LOG_LEVEL: 'warn',
    };
    signal.throwIfAborted();
    const port = await findPort();
    const dashboard = await startDemoDashboard({ root, port, env, settings, signal });
    stops.push(() => dashboard.stop());

    const agents = [];
    for (const host of DEMO_HOSTS) {
      const place = join(folder, host.name);
      const behind = STARTS_BEHIND.get(host.name);
      if (behind !== undefined) {
        mkdirSync(join(place, 'state'), { recursive: true, mode: 0o700 });
        await repository.cloneTo(join(place, 'state', 'repo'), behind);
      }
      signal.throwIfAborted();
      const connect = { url: dashboard.agentUrl, token, repository, intervalS: HEARTBEAT_S };
      const agent = startDemoAgent({ host, folder: place, bundle: AGENT_BUNDLE, env, ...connect });
      stops.push(() => agent.stop());
      agents.push(agent);
    }
    const hosts = { fails: env.NIXFLEET_DEMO_FAILS, failedUnits: env.NIXFLEET_DEMO_FAILED_UNITS };
    for (const line of instructions(dashboard.address, password, hosts, repository)) console.log(line);

    /** @type {Promise<null>} */
    const stopped = new Promise((resolve) => {
      signal.addEventListener('abort', () => resolve(null), { once: true });
      if (signal.aborted) resolve(null);
    });
    void Promise.all(agents.map(({ registered }) => registered)).then(() =>
      console.log(`  All ${agents.length} hosts are connected.\n`),
    );
    void tellStories(repository);
    /** @typedef {{ name: string, lines: string }} Broken */
    /** @type {Promise<Broken>[]} */
    const broken = [
      dashboard.ended.then(() => ({ name: 'The dashboard', lines: dashboard.lastLines() })),
      ...agents.map((agent) =>
        agent.ended.then(() => ({ name: `The agent of ${agent.host.name}`, lines: agent.lastLines() })),
      ),
    ];
    const end = await Promise.race([stopped, ...broken]);
    if (end === null || signal.aborted) return;
    throw new SetupProblem(`${end.name} has ended. Its last lines:\n${end.lines}`);
  }

  /** @param {DemoRepository} repository */
  async function tellStories(repository) {
    try {
      for (const { message, ...change } of STORIES) {
        await wait(COMMIT_INTERVAL_MS, undefined, { signal });
        const commit = await repository.commit(message, change);
        console.log(`  ${new Date().toTimeString().slice(0, 5)}  new commit ${commit.slice(0, 7)}  ${message}`);
      }
    } catch (error) {
      if (!signal.aborted) console.error('No more commits are made:', error);
    }
  }
}

/** Easy to type: without characters that look alike. */
function newPassword() {
  const letters = 'abcdefghjkmnpqrstuvwxyz23456789';
  const group = () => Array.from({ length: 4 }, () => letters[randomInt(letters.length)]).join('');
  return [group(), group(), group()].join('-');
}

/**
 * @param {string} address
 * @param {string} password
 * @param {{ fails: string, failedUnits: string }} hosts
 * @param {DemoRepository} repository
 */
function instructions(address, password, { fails, failedUnits }, repository) {
  const behind = [...STARTS_BEHIND.keys()].join(' and ');
  return [
    '',
    `  The demo is ready at ${address}`,
    `  Password: ${password}   (no second factor)`,
    '',
    `  ${DEMO_HOSTS.length} hosts with real agents; nothing on this machine is changed: nix, nixfleet-root, nixos-rebuild,`,
    '  home-manager, systemctl, sudo and reboot are fakes that print what the real ones would.',
    '',
    `  - ${behind} start behind the repository: select them and press Pull, then Switch.`,
    '  - Press Test on a host, or on all of them at once, and open the output.',
    ...(fails === '' ? [] : [`  - Press Switch on ${fails}: its build fails.`]),
    ...(failedUnits === '' ? [] : [`  - Press Switch on ${failedUnits}: a unit fails, and the result names it.`]),
    `  - ${WITHOUT_ROOT_HELPER} has no nixfleet-root: its agent calls nixos-rebuild. Click its Agent or System.`,
    `  - ${HOST_WITH_POLICY} has a policy: press Switch, and it refuses the commit, which is not signed. Its menu shows`,
    '    what it accepts.',
    '  - A new commit is made every minute, so hosts fall behind. You can make one too:',
    `    cd ${repository.work} && git commit --allow-empty -m "my change" && git push origin main`,
    '',
    '  Ctrl-C ends it and removes everything.',
    '',
  ];
}
