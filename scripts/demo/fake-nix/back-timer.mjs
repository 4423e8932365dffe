// @ts-check
/**
 * The timer of the fake nixfleet-root, which goes back to a system unless it is disarmed: its files and answers are those
 * of the real program. Each delay is a separate process, which outlives the agent.
 */
import { spawn } from 'node:child_process';
import { existsSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { processesWith } from '../processes.mjs';
import { readOptions } from './options.mjs';
import { endUnits } from './units.mjs';

const MAIN = fileURLToPath(new URL('./main.mjs', import.meta.url));
/** In the environment of each timer: its folder and round. */
const TIMER_VARIABLE = 'FLEET_DEMO_TIMER';
const POLL_MS = 50;
const BACK_MS = 1_500;
/** A delay up to this one is a decision to go back, which a faster demo makes faster. */
const MAX_SCALED_S = 10;

/**
 * @param {string} folder of an operation
 * @returns {'none' | 'armed' | 'firing' | 'fired' | 'disarmed' | 'lost'}
 */
export function timerOf(folder) {
  if (existsSync(join(folder, 'back-result'))) return 'fired';
  if (existsSync(join(folder, 'disarmed'))) return 'disarmed';
  if (existsSync(join(folder, 'fired'))) return processesOf(folder).length > 0 ? 'firing' : 'lost';
  if (!existsSync(join(folder, 'armed'))) return 'none';
  return processesOf(folder).length > 0 ? 'armed' : 'lost';
}

/**
 * Starts the delay, or a new one in place of the one that runs.
 * @param {string} id
 * @param {string} folder of the operation
 * @param {{ seconds: number, old: string }} request
 */
export function armTimer(id, folder, { seconds, old }) {
  const round = roundOf(folder) + 1;
  const values = { old, round, seconds, armed: Math.floor(Date.now() / 1_000) };
  writeWhole(join(folder, 'armed'), values);
  const file = openSync(join(folder, 'back-output'), 'a');
  spawn(process.execPath, [MAIN, 'nixfleet-root', 'in-timer', id, String(round)], {
    cwd: folder,
    detached: true,
    env: { ...process.env, [TIMER_VARIABLE]: markOf(folder) },
    stdio: ['ignore', file, file],
  }).unref();
  return { timer: 'armed', seconds, unit: `nixfleet-back-${id}.${round}.timer`, folder };
}

/**
 * False when it is too late.
 * @param {string} folder of an operation
 */
export function disarmTimer(folder) {
  return timerOf(folder) === 'disarmed' || (timerOf(folder) === 'armed' && renamed(folder, 'disarmed'));
}

/**
 * What the process of a timer does; it ends when another round replaces it.
 * @param {string} folder of an operation
 * @param {number} round
 * @param {{ system: string, run: (path: string) => void, stopUnit: () => Promise<boolean> }} ports
 *   `system`: the folder of the simulated system. `stopUnit`: ends an activation that still runs; true when there was one
 */
export async function runTimer(folder, round, { system, run, stopUnit }) {
  const { seconds = '0', old = '' } = read(join(folder, 'armed'));
  const { speed } = readOptions(process.env);
  const delay = Number(seconds) / (Number(seconds) <= MAX_SCALED_S ? speed : 1);
  const firesAt = performance.now() + delay * 1_000;
  while (performance.now() < firesAt) {
    if (roundOf(folder) !== round) return 0;
    await wait(POLL_MS);
  }
  if (roundOf(folder) !== round || !renamed(folder, 'fired')) return 0;
  const hung = await stopUnit();
  console.log(`activating ${old}...`);
  await wait(BACK_MS / speed);
  run(old);
  endUnits(system, false);
  writeWhole(join(folder, 'back-result'), { exit: 0, stopped_units: hung ? unitName(folder) : '' });
  return 0;
}

/** @param {string} folder of an operation */
const unitName = (folder) => `nixfleet-activate-${folder.slice(folder.lastIndexOf('/') + 1)}.service`;

/** @param {string} folder of an operation */
const markOf = (folder) => `${folder}/`;

/** @param {string} folder of an operation */
const processesOf = (folder) => processesWith(`${TIMER_VARIABLE}=${markOf(folder)}`);

/**
 * The round that is armed; 0 when none is.
 * @param {string} folder of an operation
 */
const roundOf = (folder) => Number(read(join(folder, 'armed'))['round'] ?? '0');

/**
 * The record of a timer is renamed once, so that exactly one of both happens.
 * @param {string} folder of an operation
 * @param {'disarmed' | 'fired'} name
 */
function renamed(folder, name) {
  try {
    renameSync(join(folder, 'armed'), join(folder, name));
    return true;
  } catch {
    return false;
  }
}

/**
 * By rename: it is never read half-written.
 * @param {string} path
 * @param {Record<string, string | number>} values
 */
function writeWhole(path, values) {
  const text = Object.entries(values)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}

/**
 * @param {string} path
 * @returns {Record<string, string>}
 */
function read(path) {
  try {
    const lines = readFileSync(path, 'utf8').split('\n');
    return Object.fromEntries(
      lines.flatMap((line) => {
        const at = line.indexOf('=');
        return at < 1 ? [] : [/** @type {const} */ ([line.slice(0, at), line.slice(at + 1)])];
      }),
    );
  } catch {
    return {};
  }
}
