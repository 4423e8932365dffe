// @ts-check
/**
 * Fakes of the programs that an agent runs: `main.mjs <program> <arguments…>`. The programs in `bin` call it; put that
 * folder first on an agent's PATH. They accept the arguments that the agent uses and print what the real programs
 * would, over some seconds; SIGTERM ends them at once. They share a simulated system, so that switch, rollback,
 * generations and dry runs agree with each other. Nothing on the machine is changed.
 *
 *   NIXFLEET_DEMO_SPEED   speed factor (0.01 to 1000; at 1, the default, a switch takes about 9 s)
 *   NIXFLEET_DEMO_LINES   lines of compiler output in a build (48), `fleet-status> [ 7/48] …`; the build takes the same
 *                         time whatever their number
 *   NIXFLEET_DEMO_FAILS   names of hosts, separated by commas, whose build fails with exit code 1
 *   NIXFLEET_DEMO_FAILED_UNITS  names of NixOS hosts, separated by commas, on which a unit fails after a switch: a
 *                         confirmed switch is taken back there
 *   NIXFLEET_DEMO_HOLD    a file: while it exists, a build pauses in the middle of its compiler output
 *   NIXFLEET_DEMO_HOLD_ACTIVATION  a file: while it exists, an activation by nixfleet-root pauses
 *   NIXFLEET_DEMO_SYSTEM  the folder of the simulated system (NIXFLEET_STATE_DIR/system); the agent's
 *                         NIXFLEET_SYSTEM_PROFILE must point at its link `profile`, and NIXFLEET_SYSTEM_LINK at
 *                         `current-system` (NixOS) or `profile` (macOS)
 *
 * `reboot` creates the file `reboot` in that folder; `../agents.mjs`, which plays the machine, then restarts the agent.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { SetupProblem } from '../../setup/problem.mjs';
import { bumpLock } from '../lock-file.mjs';
import { activationLog, buildLog, err, evaluationLog, noSuchHost, out } from './build-log.mjs';
import { buildRecords, evaluationRecords } from './build-records.mjs';
import { readOptions, systemFolder } from './options.mjs';
import { print } from './print.mjs';
import { requestReboot } from './reboot.mjs';
import { rootHelper } from './root-helper.mjs';
import { openSystem, wantedName } from './system.mjs';
import { endUnits, failedUnitsOf, journalOf, unitLine } from './units.mjs';

const SWITCH_MS = 9_000;
const ACTIVATION_MS = 2_500;
const UPDATE_MS = 3_000;
const DRY_RUN_MS = 1_500;
const QUICK_MS = 400;
const EXIT_USAGE = 64;
/** systemctl is-active: a unit is not active. */
const EXIT_NOT_ACTIVE = 3;

/** @typedef {import('./system.mjs').HostType} HostType */

// The reader of the output is gone.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => process.exit(1));

const [program = '', ...given] = process.argv.slice(2);
// It comes first, with its value.
const args = given[0] === '--extra-experimental-features' ? given.slice(2) : given;
try {
  process.exitCode = await main(program, args);
} catch (error) {
  if (!(error instanceof SetupProblem)) throw error;
  console.error(`${program} (fake): ${error.message}`);
  process.exitCode = EXIT_USAGE;
}

/**
 * @param {string} name
 * @param {readonly string[]} words
 * @returns {Promise<number>} the exit code
 */
async function main(name, words) {
  const [verb] = words;
  if (name === 'nixos-rebuild' && words.includes('--rollback')) return rollBack();
  if (name === 'nixos-rebuild' && verb === 'switch') return switchTo('nixos', words);
  if (name === 'home-manager' && verb === 'switch') return switchTo('macos', words);
  if (name === 'home-manager' && verb === 'generations') return listGenerations();
  if (name === 'activate' && verb !== undefined) return activate(verb);
  if (name === 'nix' && verb === 'flake' && words[1] === 'update') return updateLock(words[2] ?? null);
  if (name === 'nix' && words.includes('build') && words.includes('--dry-run')) return dryRun(words);
  if (name === 'nix' && words.includes('build') && words.includes('internal-json')) return build(words);
  if (name === 'nixfleet-root') return rootHelper(words);
  if (name === 'systemctl' && verb === 'is-active') return isActive(words.slice(1));
  if (name === 'systemctl' && verb === 'list-units' && words.includes('--state=failed')) return listFailedUnits();
  if (name === 'systemctl' && verb === 'show' && words.includes('*')) return showUnits();
  if (name === 'journalctl' && words.includes('--unit')) return showJournal(valueOf(words, '--unit'));
  if (name === 'reboot' && verb === undefined) return reboot();
  throw new SetupProblem(`no fake for "${[name, ...words].join(' ')}".`);
}

/**
 * @param {readonly string[]} words
 * @param {string} option
 */
function valueOf(words, option) {
  return words[words.indexOf(option) + 1] ?? '';
}

/**
 * @param {HostType} type
 * @param {readonly string[]} words
 */
async function switchTo(type, words) {
  const { speed, lines, fails, failedUnits, hold } = readOptions(process.env);
  const [flake = '', host = ''] = valueOf(words, '--flake').split('#');
  if (flake === '' || host === '') throw new SetupProblem('write --flake <folder>#<host>.');
  const name = wantedName(flake, host, type);
  if (name === null) {
    await print(noSuchHost(type, host, flake), DRY_RUN_MS / speed);
    return 1;
  }
  const failing = fails.has(host);
  await print(buildLog({ host, type, name, lines, fails: failing }), SWITCH_MS / speed, hold);
  if (failing) return 1;
  const unitFails = type === 'nixos' && failedUnits.has(host);
  await print(activationLog(type, name, unitFails), ACTIVATION_MS / speed);
  openSystem(systemFolder(process.env)).activate(name);
  return endUnits(systemFolder(process.env), unitFails);
}

/**
 * Builds a NixOS system that is not in the store yet, and links it.
 * @param {readonly string[]} words
 */
async function build(words) {
  const { speed, lines, fails, hold } = readOptions(process.env);
  const link = valueOf(words, '--out-link');
  const { flake, host, type } = targetOf(words);
  if (link === '' || type !== 'nixos') throw new SetupProblem('write --out-link <link> and a NixOS system.');
  const name = wantedName(flake, host, type);
  if (name === null) {
    await print(noSuchHost(type, host, flake), DRY_RUN_MS / speed);
    return 1;
  }
  const system = openSystem(systemFolder(process.env));
  const path = system.pathOf(name);
  const parts = { host, type, name, lines, fails: fails.has(host) };
  if (system.has(path)) {
    await print(evaluationRecords(parts), DRY_RUN_MS / speed);
  } else {
    await print(buildRecords(parts), SWITCH_MS / speed, hold);
    if (parts.fails) return 1;
    system.add(name, headOf(flake));
  }
  rmSync(link, { force: true });
  symlinkSync(path, link);
  return 0;
}

/**
 * The commit of a clone; '' for a folder that is none.
 * @param {string} folder
 */
function headOf(folder) {
  const git = spawnSync('git', ['rev-parse', 'HEAD'], { cwd: folder, encoding: 'utf8' });
  return git.status === 0 ? git.stdout.trim() : '';
}

/**
 * The folder, host and type of `<folder>#nixosConfigurations."<host>"…`.
 * @param {readonly string[]} words
 * @returns {{ flake: string, host: string, type: HostType }}
 */
function targetOf(words) {
  const target = words.find((word) => word.includes('#')) ?? '';
  const [flake = ''] = target.split('#');
  const [, attribute, host = ''] = /#(nixos|home)Configurations\."([^"]+)"/.exec(target) ?? [];
  return { flake, host, type: attribute === 'nixos' ? 'nixos' : 'macos' };
}

async function rollBack() {
  const { speed } = readOptions(process.env);
  const system = openSystem(systemFolder(process.env));
  const generation = system.rollBack();
  if (generation === null) {
    await print([err('error: cannot find generation before the current one', 1)], QUICK_MS / speed);
    return 1;
  }
  endUnits(systemFolder(process.env), false);
  const { number, name } = generation;
  const lines = [
    err(`switching profile from the current version to version ${number}`),
    ...activationLog('nixos', name),
  ];
  await print(lines, ACTIVATION_MS / speed);
  return 0;
}

function listGenerations() {
  const system = openSystem(systemFolder(process.env));
  for (const { number, path, madeAt } of system.generations().reverse()) {
    const time = madeAt.toISOString().slice(0, 16).replace('T', ' ');
    console.log(`${time} : id ${number} -> ${path}`);
  }
  return 0;
}

/** @param {string} path of a Home Manager generation */
async function activate(path) {
  const { speed } = readOptions(process.env);
  await print(activationLog('macos', basename(path)), ACTIVATION_MS / speed);
  openSystem(systemFolder(process.env)).activate(basename(path));
  return 0;
}

/** @param {string | null} input */
async function updateLock(input) {
  const { speed } = readOptions(process.env);
  const path = join(process.cwd(), 'flake.lock');
  let before;
  try {
    before = readFileSync(path, 'utf8');
  } catch {
    await print([err(`error: path '${path}' does not exist`, 1)], QUICK_MS / speed);
    return 1;
  }
  const { text, updated } = bumpLock(before, input, new Date());
  const changes = updated.flatMap(({ name, from, to }) => [
    err(`• Updated input '${name}':`, 5),
    err(`    '${from}'`, 0),
    err(`  → '${to}'`, 0),
  ]);
  await print([err(`unpacking 'github:NixOS/nixpkgs' into the Git cache...`, 2), ...changes], UPDATE_MS / speed);
  writeFileSync(path, text);
  return 0;
}

/** @param {readonly string[]} words */
async function dryRun(words) {
  const { speed } = readOptions(process.env);
  const { flake, host, type } = targetOf(words);
  const name = wantedName(flake, host, type);
  if (name === null) {
    await print(noSuchHost(type, host, flake), DRY_RUN_MS / speed);
    return 1;
  }
  const path = openSystem(systemFolder(process.env)).pathOf(name);
  const answer = JSON.stringify([{ drvPath: `${path}.drv`, outputs: { out: path } }]);
  await print([...evaluationLog(), out(answer)], DRY_RUN_MS / speed);
  return 0;
}

/** @param {readonly string[]} units */
async function isActive(units) {
  const { speed } = readOptions(process.env);
  const failed = failedUnitsOf(systemFolder(process.env));
  await print(
    units.map((unit) => out(failed.includes(unit) ? 'failed' : 'active')),
    QUICK_MS / speed,
  );
  return units.some((unit) => failed.includes(unit)) ? EXIT_NOT_ACTIVE : 0;
}

function listFailedUnits() {
  for (const unit of failedUnitsOf(systemFolder(process.env))) console.log(unitLine(unit));
  return 0;
}

/** The failed units as `systemctl show` prints them; the others are left out. */
function showUnits() {
  const blocks = failedUnitsOf(systemFolder(process.env)).map((unit) =>
    [`Id=${unit}`, 'ActiveState=failed', 'SubState=failed', 'NRestarts=0', ''].join('\n'),
  );
  console.log(blocks.join('\n'));
  return 0;
}

/** @param {string} unit */
function showJournal(unit) {
  for (const line of journalOf(systemFolder(process.env), unit)) console.log(line);
  return 0;
}

function reboot() {
  requestReboot();
  return 0;
}
