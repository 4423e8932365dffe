// @ts-check
/**
 * A fake of nixfleet-root: the commands that the agent uses, with the answers, files and exit codes of the real program
 * (`agent/root-helper/nixfleet-root`). An activation is a separate process, which outlives the agent; SIGTERM stops it
 * half-way.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { processesWith } from '../processes.mjs';
import { armTimer, disarmTimer, runTimer, timerOf } from './back-timer.mjs';
import { activationLog, out } from './build-log.mjs';
import { readOptions, systemFolder } from './options.mjs';
import { print } from './print.mjs';
import { requestReboot } from './reboot.mjs';
import { hostOf, openSystem } from './system.mjs';
import { endUnits } from './units.mjs';

const MAIN = fileURLToPath(new URL('./main.mjs', import.meta.url));
const ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/;
const ACTION = /^(?:test|switch|boot)$/;
const GENERATION = /^[1-9][0-9]{0,8}$/;
const ACTIVATION_MS = 2_500;
const BOOT_ENTRY_MS = 600;
/** How long a stop waits for the end of the unit. */
const STOP_TIMEOUT_MS = 5_000;
const CHECK_INTERVAL_MS = 20;
const SECONDS = /^[1-9][0-9]{1,4}$/;
const EXIT = { grammar: 64, path: 65, none: 66, busy: 73, late: 75 };
const EXIT_STOPPED = 143;
const EXIT_KILLED = 137;
/** In the environment of each unit: where it is, so that it is found. */
const UNIT_VARIABLE = 'FLEET_DEMO_UNIT';

class Refusal extends Error {
  /**
   * @param {number} code
   * @param {string} sentence
   */
  constructor(code, sentence) {
    super(sentence);
    this.code = code;
  }
}

/**
 * @param {readonly string[]} words
 * @returns {Promise<number>} the exit code
 */
export async function rootHelper(words) {
  const [command = '', ...args] = words;
  const system = openSystem(systemFolder(process.env));
  const state = join(systemFolder(process.env), 'root');
  try {
    return await perform(command, args);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    console.error(`nixfleet-root: ${error.message}`);
    return error.code;
  }

  /**
   * @param {string} name
   * @param {readonly string[]} values
   */
  async function perform(name, values) {
    const [id = '', second = '', third = ''] = values;
    switch (`${name} ${values.length}`) {
      case 'version 0':
        return answer({ version: 'demo', grammar: '1', allow_reboot: 'yes', state });
      case 'activate 3':
        if (!ACTION.test(second)) throw new Refusal(EXIT.grammar, 'activate: not a valid value for "action".');
        if (!system.has(third)) throw new Refusal(EXIT.path, 'The store path does not exist, or is a link.');
        return begin(id, { action: second, target: third });
      case 'go 2': {
        const path = GENERATION.test(second) ? system.pathOfGeneration(Number(second)) : null;
        if (path === null) throw new Refusal(EXIT.path, `There is no generation ${second}.`);
        return begin(id, { action: 'switch', target: path, generation: second });
      }
      case 'status 1':
        return status(id);
      case 'stop 1':
        return stop(id);
      case 'arm 3':
        return arm(id, second, third);
      case 'disarm 1': {
        const folder = knownFolder(id);
        if (timerOf(folder) === 'none') throw new Refusal(EXIT.none, 'No timer was armed for this ID.');
        if (!disarmTimer(folder)) throw new Refusal(EXIT.late, 'The timer has fired.');
        return answer({ timer: 'disarmed' });
      }
      case 'in-timer 2':
        return runTimer(folderOf(id), Number(second), {
          system: systemFolder(process.env),
          run: (path) => system.run(path),
          stopUnit: () => endUnit(id),
        });
      case 'forget 1':
        if (jobOf(id) === 'running' || ['armed', 'firing'].includes(timerOf(folderOf(id))))
          throw new Refusal(EXIT.busy, 'The operation runs, or its timer is armed.');
        rmSync(folderOf(id), { recursive: true });
        return answer({ forgotten: 'yes' });
      case 'reboot 0':
        requireIdle();
        requestReboot();
        return answer({ reboot: 'requested' });
      case 'in-unit 1':
        if (process.env[UNIT_VARIABLE] !== unitMark(folderOf(id))) throw new Refusal(EXIT.grammar, 'Unknown command.');
        return runUnit(id);
      default:
        throw new Refusal(EXIT.grammar, 'Unknown command.');
    }
  }

  /** @param {string} id */
  function folderOf(id) {
    if (!ID.test(id)) throw new Refusal(EXIT.grammar, 'This is not a valid value for "id".');
    return join(state, id);
  }

  /** @param {string} id */
  function knownFolder(id) {
    const folder = folderOf(id);
    if (!existsSync(folder)) throw new Refusal(EXIT.none, 'There is no operation with this ID.');
    return folder;
  }

  /**
   * @param {string} id
   * @param {string} seconds
   * @param {string} path
   */
  function arm(id, seconds, path) {
    const folder = folderOf(id);
    if (!SECONDS.test(seconds)) throw new Refusal(EXIT.grammar, 'arm: not a valid value for "seconds".');
    if (!system.has(path)) throw new Refusal(EXIT.path, 'The store path does not exist, or is a link.');
    if (!['none', 'armed'].includes(timerOf(folder)))
      throw new Refusal(EXIT.late, 'The timer has fired or was disarmed.');
    mkdirSync(folder, { recursive: true });
    return answer(armTimer(id, folder, { seconds: Number(seconds), old: path }));
  }

  /** @param {string} id */
  function jobOf(id) {
    const folder = knownFolder(id);
    if (!existsSync(join(folder, 'request'))) return 'none';
    if (existsSync(join(folder, 'result'))) return 'ended';
    return unitProcesses(folder).length > 0 ? 'running' : 'lost';
  }

  function requireIdle() {
    const busy = existsSync(state) ? readdirSync(state).find((other) => jobOf(other) === 'running') : undefined;
    if (busy !== undefined) throw new Refusal(EXIT.busy, `Another activation or task is running: ${unitOf(busy)}.`);
  }

  /**
   * @param {string} id
   * @param {Record<string, string>} request
   */
  function begin(id, request) {
    const folder = folderOf(id);
    if (existsSync(join(folder, 'request'))) throw new Refusal(EXIT.busy, 'The ID was used before.');
    requireIdle();
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'request'), lines({ kind: 'activate', ...request }));
    const output = join(folder, 'output');
    const file = openSync(output, 'a');
    spawn(process.execPath, [MAIN, 'nixfleet-root', 'in-unit', id], {
      cwd: folder,
      detached: true,
      env: { ...process.env, [UNIT_VARIABLE]: unitMark(folder) },
      stdio: ['ignore', file, file],
    }).unref();
    return answer({ unit: unitOf(id), folder, output, result: join(folder, 'result') });
  }

  /** @param {string} id */
  function status(id) {
    const folder = folderOf(id);
    answer({ job: jobOf(id), timer: timerOf(folder), folder, unit: unitOf(id) });
    for (const file of ['request', 'result']) {
      for (const [key, value] of Object.entries(read(join(folder, file)))) answer({ [`${file}.${key}`]: value });
    }
    return 0;
  }

  /** @param {string} id */
  async function stop(id) {
    return answer({ stopped: (await endUnit(id)) ? 'yes' : 'no' });
  }

  /**
   * Ends its activation; false when none runs.
   * @param {string} id
   */
  async function endUnit(id) {
    const folder = folderOf(id);
    if (jobOf(id) !== 'running') return false;
    const deadline = performance.now() + STOP_TIMEOUT_MS;
    signalUnit(folder, 'SIGTERM');
    while (unitProcesses(folder).length > 0) {
      if (performance.now() > deadline) signalUnit(folder, 'SIGKILL');
      await wait(CHECK_INTERVAL_MS);
    }
    if (!existsSync(join(folder, 'result'))) writeResult(id, { exit: EXIT_KILLED, stopped: 'yes', profile: 'unknown' });
    return true;
  }

  /**
   * What the unit does.
   * @param {string} id
   */
  async function runUnit(id) {
    const { speed, failedUnits, holdActivation } = readOptions(process.env);
    const { action = '', target = '', generation = '' } = read(join(folderOf(id), 'request'));
    const before = { profile: system.current(), generation: system.generation() };
    const started = seconds();
    /** @param {{ exit: number, stopped: 'yes' | 'no', profile: string }} end */
    const finish = (end) => writeResult(id, { ...end, started, generation_before: before.generation ?? '' });
    process.on('SIGTERM', () => {
      if (before.profile !== null) system.setProfile(before.profile);
      finish({ exit: EXIT_STOPPED, stopped: 'yes', profile: 'restored' });
      process.exit(EXIT_STOPPED);
    });
    if (action !== 'test') system.setProfile(target);
    const profile = system.current() === before.profile ? 'kept' : 'set';
    if (action === 'boot') {
      await print([out('updating the boot entries...')], BOOT_ENTRY_MS / speed);
      finish({ exit: 0, stopped: 'no', profile });
      return 0;
    }
    const fails = generation === '' && failedUnits.has(hostOf(target));
    await print(activationLog('nixos', basename(target), fails), ACTIVATION_MS / speed, holdActivation);
    system.run(target);
    const exit = endUnits(systemFolder(process.env), fails);
    finish({ exit, stopped: 'no', profile });
    return exit;
  }

  /**
   * @param {string} id
   * @param {Record<string, string | number>} values
   */
  function writeResult(id, values) {
    const path = join(folderOf(id), 'result');
    const all = { ...values, ended: seconds(), running: system.running() ?? '', generation: system.generation() ?? '' };
    // By rename: it is never read half-written.
    writeFileSync(`${path}.new`, lines(all));
    renameSync(`${path}.new`, path);
  }
}

/** @param {string} id */
const unitOf = (id) => `nixfleet-activate-${id}.service`;

/** @param {string} folder of an operation */
const unitProcesses = (folder) => processesWith(`${UNIT_VARIABLE}=${unitMark(folder)}`);

/**
 * With a slash at its end, so that none begins as another.
 * @param {string} folder of an operation
 */
const unitMark = (folder) => `${folder}/`;

/**
 * @param {string} folder of an operation
 * @param {NodeJS.Signals} signal
 */
function signalUnit(folder, signal) {
  for (const pid of unitProcesses(folder)) {
    try {
      process.kill(pid, signal);
    } catch {
      // Ended meanwhile.
    }
  }
}

const seconds = () => Math.floor(Date.now() / 1_000);

/** @param {Record<string, string | number>} values */
function lines(values) {
  return Object.entries(values)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}

/** @param {Record<string, string | number>} values */
function answer(values) {
  process.stdout.write(lines(values));
  return 0;
}

/**
 * @param {string} path
 * @returns {Record<string, string>}
 */
function read(path) {
  if (!existsSync(path)) return {};
  const entries = readFileSync(path, 'utf8')
    .split('\n')
    .flatMap((line) => {
      const at = line.indexOf('=');
      return at < 1 ? [] : [/** @type {const} */ ([line.slice(0, at), line.slice(at + 1)])];
    });
  return Object.fromEntries(entries);
}
