// @ts-check
/**
 * `npm run test:systemd`: boots a container with the real systemd five times, on this machine's programs, and runs the
 * tests of `vitest.systemd.config.ts` in it; then a kernel in user mode for the memory limit of builds. What they write is
 * lost, except for one folder, which all share. Where one of them can't be booted, its tests count as skipped. The last
 * line is `N passed, N failed, N skipped`.
 */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildAgent } from './build-agent.mjs';
import { failureList, vitestFailures } from './setup/failures.mjs';
import { readJsonObject } from './setup/json.mjs';
import { prepare } from './setup/prepare.mjs';
import { failWith } from './setup/problem.mjs';
import { run, wasStopped } from './setup/run.mjs';
import { bootUserMode, ensureUserMode } from './setup/user-mode.mjs';
import { countVitest, CRASHED, sum, summaryLine } from './setup/summary.mjs';
import { ensureSystemd } from './setup/systemd.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const BOOTS = ['first', 'second', 'third', 'fourth', 'fifth'];
/** The tests that need no systemd, but a kernel with cgroup v2 alone. */
const MEMORY = 'memory';
/** Where the container sees the shared folder. */
const SHARED = '/nixfleet-test';
/** Where the kernel in user mode sees it. */
const SHARED_IN_USER_MODE = '/run/nixfleet-test';
const VITEST = [
  join(ROOT, 'node_modules/vitest/vitest.mjs'),
  'run',
  `--root=${ROOT}`,
  `--config=${join(ROOT, 'vitest.systemd.config.ts')}`,
  // Writes nothing beside the configuration.
  '--configLoader=runner',
  '--reporter=verbose',
  '--reporter=json',
];
/** A container that hangs is ended: the tests have their own time-outs. */
const BOOT_TIMEOUT_S = 420;
/** How much of the agent's log is shown after a failure. */
const LOG_CHARACTERS = 6_000;

const shared = mkdtempSync(join(tmpdir(), 'nixfleet-systemd-'));
/** Empty. The machine's root is mounted on it where only the container sees that. */
const mountPoint = mkdtempSync(join(tmpdir(), 'nixfleet-systemd-root-'));

/** The file of a boot's tests. @param {string} boot */
const fileOf = (boot) => (boot === MEMORY ? 'memory-limit' : `${boot}-boot`);

/** @param {string} boot @param {string} folder the shared one @param {string} temporary */
function environmentOf(boot, folder, temporary) {
  return {
    PATH: `${dirname(process.execPath)}:/usr/sbin:/usr/bin:/sbin:/bin`,
    HOME: '/root',
    TMPDIR: temporary,
    NIXFLEET_SYSTEMD_BOOT: boot,
    NIXFLEET_SYSTEMD_FOLDER: folder,
  };
}

/** The unit that the container starts in the place of a login. @param {string} boot */
function testUnit(boot) {
  const output = join(SHARED, `${boot}.log`);
  const report = `--outputFile.json=${join(SHARED, `${boot}.json`)}`;
  const command = [process.execPath, ...VITEST, report, fileOf(boot)];
  return `[Unit]
Description=The ${boot} boot of NixFleet's tests
Wants=dbus.socket dbus.service
After=dbus.socket dbus.service
[Service]
Type=oneshot
${Object.entries(environmentOf(boot, SHARED, join(SHARED, 'tmp')))
  .map(([name, value]) => `Environment="${name}=${value}"`)
  .join('\n')}
ExecStartPre=/bin/touch ${join(SHARED, `${boot}.booted`)}
ExecStart=${command.map((argument) => `"${argument}"`).join(' ')}
ExecStopPost=/bin/systemctl poweroff --force --force
StandardOutput=append:${output}
StandardError=append:${output}
TimeoutStartSec=${BOOT_TIMEOUT_S - 30}
`;
}

/**
 * @param {string} boot
 * @returns {Promise<import('./setup/summary.mjs').Counts | null>} null when the container did not boot
 */
async function runBoot(boot) {
  const unit = join(shared, `${boot}.service`);
  writeFileSync(unit, testUnit(boot));
  const nspawn = [
    // A checkout may be below /tmp, which would be an empty file system there.
    'env',
    'SYSTEMD_NSPAWN_TMPFS_TMP=0',
    'systemd-nspawn',
    '--quiet',
    '--register=no',
    '--keep-unit',
    '--link-journal=no',
    '--private-network',
    '--volatile=overlay',
    `--directory=${mountPoint}`,
    '--machine=nixfleet-test',
    `--bind=${shared}:${SHARED}`,
    `--bind-ro=${unit}:/etc/systemd/system/nixfleet-test.service`,
    // Also where the checkout is on a file system of its own; what is written to it is lost.
    `--overlay=${ROOT}::${ROOT}`,
    '--console=pipe',
    '--boot',
    'systemd.unit=nixfleet-test.service',
  ];
  // A mount namespace of its own: the machine itself never sees its root a second time.
  const script = 'mount --bind / "$0" && exec "$@"';
  const args = ['--mount', '--propagation=private', '/bin/sh', '-c', script, mountPoint, ...nspawn];
  const limit = ['--kill-after=10', String(BOOT_TIMEOUT_S), 'unshare', ...args];
  let said = '';
  const code = await run('timeout', limit, { cwd: ROOT, onText: (text) => void (said += text) });
  const log = join(shared, `${boot}.log`);
  if (existsSync(log)) console.log(readFileSync(log, 'utf8'));
  if (wasStopped(code)) return CRASHED;
  if (!existsSync(join(shared, `${boot}.booted`))) {
    console.log(said);
    return null;
  }
  const result = readJsonObject(join(shared, `${boot}.json`));
  if (result === null) console.log(`The container ended without a result.\n${said}`);
  failures.push(...vitestFailures(result, ROOT));
  return countVitest(result, 0);
}

/** @type {import('./setup/failures.mjs').Failure[]} */
const failures = [];

/** These tests count as skipped. @param {string} title @param {string} reason @param {readonly string[]} boots */
async function skip(title, reason, boots) {
  console.log(`\n${title} SKIPPED. ${reason}\n`);
  const report = join(shared, 'skipped.json');
  const args = [...VITEST, `--outputFile.json=${report}`, ...boots.map(fileOf)];
  const code = await run(process.execPath, args, { cwd: ROOT, onText: () => undefined });
  return countVitest(readJsonObject(report), code);
}

const SYSTEMD_TESTS = 'THE TESTS WITH SYSTEMD ARE';

async function runSystemd() {
  const missing = await ensureSystemd(ROOT, console.log);
  if (missing !== null) return skip(SYSTEMD_TESTS, missing, BOOTS);
  const counts = [];
  for (const boot of BOOTS) {
    const count = await runBoot(boot);
    if (count === null && counts.length === 0)
      return skip(SYSTEMD_TESTS, 'systemd-nspawn could not boot a container: see its output above.', BOOTS);
    counts.push(count ?? CRASHED);
  }
  return sum(counts);
}

async function runMemory() {
  const title = 'THE TEST OF THE MEMORY LIMIT IS';
  const missing = await ensureUserMode(ROOT, console.log);
  if (missing !== null) return skip(title, missing, [MEMORY]);
  const report = join(shared, `${MEMORY}.json`);
  const { booted, output, code } = await bootUserMode({
    root: ROOT,
    shared,
    mountedAt: SHARED_IN_USER_MODE,
    // In memory.
    environment: environmentOf(MEMORY, SHARED_IN_USER_MODE, '/run'),
    command: [
      process.execPath,
      ...VITEST,
      `--outputFile.json=${join(SHARED_IN_USER_MODE, `${MEMORY}.json`)}`,
      fileOf(MEMORY),
    ],
    timeoutS: BOOT_TIMEOUT_S,
  });
  console.log(output);
  if (wasStopped(code)) return CRASHED;
  if (!booted) return skip(title, 'linux.uml could not boot: see its output above.', [MEMORY]);
  const result = readJsonObject(report);
  failures.push(...vitestFailures(result, ROOT));
  return countVitest(result, 0);
}

try {
  await prepare(ROOT, 'install');
  // The agent in the container is no root.
  chmodSync(shared, 0o755);
  mkdirSync(join(shared, 'tmp'));
  await buildAgent({ outfile: join(shared, 'agent.mjs'), sourceCommit: 'abc1234' });
  const counts = sum([await runSystemd(), await runMemory()]);
  if (counts.failed > 0) {
    process.exitCode = 1;
    const log = join(shared, 'agent.log');
    if (existsSync(log))
      console.log(`\nThe end of the agent's log:\n${readFileSync(log, 'utf8').slice(-LOG_CHARACTERS)}`);
    if (failures.length > 0) console.log(failureList(failures));
  }
  console.log(`\n${summaryLine(counts)}`);
} catch (error) {
  failWith(error);
  console.log(`\n${summaryLine(CRASHED)}`);
} finally {
  rmdirSync(mountPoint);
  rmSync(shared, { recursive: true, force: true });
}
