// @ts-check
/** Options of the fake programs, from the environment: see `main.mjs`. */
import { join } from 'node:path';
import { SetupProblem } from '../../setup/problem.mjs';

/** The variables that a person may set. */
export const OPTION_NAMES = [
  'NIXFLEET_DEMO_SPEED',
  'NIXFLEET_DEMO_LINES',
  'NIXFLEET_DEMO_FAILS',
  'NIXFLEET_DEMO_FAILED_UNITS',
  'NIXFLEET_DEMO_HOLD',
  'NIXFLEET_DEMO_HOLD_ACTIVATION',
];

const DEFAULT_LINES = 48;
const MAX_LINES = 1_000_000;
const MIN_SPEED = 0.01;
const MAX_SPEED = 1_000;

/**
 * @typedef {object} Options
 * @property {number} speed factor: 2 is twice as fast
 * @property {number} lines of compiler output in a build
 * @property {ReadonlySet<string>} fails hosts whose build fails
 * @property {ReadonlySet<string>} failedUnits hosts on which a unit fails after a switch
 * @property {string | null} hold a file: a build pauses halfway while it exists
 * @property {string | null} holdActivation a file: an activation by nixfleet-root pauses while it exists
 */

/**
 * Reads the options; an empty value counts as unset. Throws a SetupProblem that says what to write.
 * @param {NodeJS.ProcessEnv} env
 * @returns {Options}
 */
export function readOptions(env) {
  const speed = Number(env['NIXFLEET_DEMO_SPEED']?.trim() || 1);
  if (!(speed >= MIN_SPEED && speed <= MAX_SPEED)) {
    throw new SetupProblem(
      `NIXFLEET_DEMO_SPEED is not a speed: write a number from ${MIN_SPEED} to ${MAX_SPEED}; 2 is twice as fast.`,
    );
  }
  const lines = Number(env['NIXFLEET_DEMO_LINES']?.trim() || DEFAULT_LINES);
  if (!Number.isInteger(lines) || lines < 0 || lines > MAX_LINES) {
    throw new SetupProblem(
      `NIXFLEET_DEMO_LINES is not a number of lines: write a whole number from 0 to ${MAX_LINES}.`,
    );
  }
  return {
    speed,
    lines,
    fails: namesIn(env['NIXFLEET_DEMO_FAILS']),
    failedUnits: namesIn(env['NIXFLEET_DEMO_FAILED_UNITS']),
    hold: env['NIXFLEET_DEMO_HOLD']?.trim() || null,
    holdActivation: env['NIXFLEET_DEMO_HOLD_ACTIVATION']?.trim() || null,
  };
}

/**
 * @param {string | undefined} list names, separated by commas
 * @returns {ReadonlySet<string>}
 */
function namesIn(list = '') {
  const names = list.split(',').map((name) => name.trim());
  return new Set(names.filter((name) => name !== ''));
}

/**
 * The folder of the simulated system.
 * @param {NodeJS.ProcessEnv} env
 */
export function systemFolder(env) {
  const given = env['NIXFLEET_DEMO_SYSTEM'];
  if (given) return given;
  const stateDir = env['NIXFLEET_STATE_DIR'];
  if (!stateDir) {
    throw new SetupProblem(
      'Set NIXFLEET_DEMO_SYSTEM or NIXFLEET_STATE_DIR: this program needs a folder for the simulated system.',
    );
  }
  return join(stateDir, 'system');
}
