// @ts-check
/** Running other programs from a script. */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { SetupProblem } from './problem.mjs';

/**
 * @typedef {object} RunOptions
 * @property {string} cwd
 * @property {NodeJS.ProcessEnv} [env]
 * @property {boolean} [readsInput] it reads the script's own input; without it, there is none
 * @property {(text: string) => void} [onErrorText] also gets what the program writes to standard error
 * @property {(text: string) => void} [onText] gets everything that the program writes, which is then not shown
 */

/** @type {readonly NodeJS.Signals[]} */
const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/**
 * Runs a program to its end with the script's own output. SIGINT, SIGTERM and SIGHUP are passed on to it.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {RunOptions} options
 * @returns {Promise<number>} its exit code, or 128 and the signal's number as a shell says it
 */
export function run(command, args, { cwd, env = process.env, readsInput = false, onErrorText, onText }) {
  return new Promise((resolve, reject) => {
    const input = readsInput ? 'inherit' : 'ignore';
    const output = onText ? 'pipe' : 'inherit';
    const child = spawn(command, args, { cwd, env, stdio: [input, output, onErrorText ? 'pipe' : output] });
    child.stdout?.setEncoding('utf8').on('data', (/** @type {string} */ text) => onText?.(text));
    child.stderr?.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
      if (onText) onText(text);
      else process.stderr.write(text);
      onErrorText?.(text);
    });
    const stopForwarding = forwardSignals(child);
    child.on('error', (error) => {
      stopForwarding();
      reject(new SetupProblem(`The program ${command} cannot be run: ${error.message}.`));
    });
    child.on('close', (code, signal) => {
      stopForwarding();
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}

/**
 * @param {import('node:child_process').ChildProcess} child
 * @returns {() => void} ends it
 */
function forwardSignals(child) {
  /** @param {NodeJS.Signals} signal */
  const forward = (signal) => {
    // A terminal's Ctrl-C reaches the whole process group, so the child has it already.
    if (signal === 'SIGINT' && process.stdin.isTTY) return;
    child.kill(signal);
  };
  for (const signal of FORWARDED) process.on(signal, forward);
  return () => {
    for (const signal of FORWARDED) process.off(signal, forward);
  };
}

/**
 * @param {number} code of a program that `run` ran
 * @returns {boolean} true when a person or the system stopped it
 */
export function wasStopped(code) {
  return FORWARDED.some((signal) => code === 128 + constants.signals[signal]);
}
