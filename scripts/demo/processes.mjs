// @ts-check
/** The processes of a demo: starts them, reads their output, ends them all. */
import { execFileSync, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { RUN_VARIABLE } from './environment.mjs';

const MAX_KEPT_LINES = 40;
const CHECK_INTERVAL_MS = 20;
const END_TIMEOUT_MS = 5_000;
const PS_TIMEOUT_MS = 5_000;
const MAX_PS_BYTES = 64 * 1024 * 1024;

/** @typedef {{ code: number | null, signal: NodeJS.Signals | null }} Ended */

/**
 * Starts a Node program in its own process group: a terminal's Ctrl-C reaches only the demo, which then ends its
 * programs in order.
 * @param {readonly string[]} args
 * @param {{ cwd: string, env: NodeJS.ProcessEnv, onLine?: (line: string) => void }} options
 */
export function startNode(args, { cwd, env, onLine }) {
  const child = spawn(process.execPath, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  /** @type {string[]} */
  const lines = [];
  for (const input of [child.stdout, child.stderr]) {
    createInterface({ input }).on('line', (line) => {
      if (lines.push(line) > MAX_KEPT_LINES) lines.shift();
      onLine?.(line);
    });
  }
  /** @type {Promise<Ended>} */
  const ended = new Promise((resolve) => {
    child.once('error', () => resolve({ code: null, signal: null }));
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  return {
    child,
    ended,
    /** The last lines that it printed. */
    lastLines: () => lines.join('\n'),
    /**
     * Sends SIGTERM, and SIGKILL after the time-out.
     * @param {number} timeoutMs
     */
    async stop(timeoutMs) {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
      await ended;
      clearTimeout(timer);
    },
  };
}

/**
 * All processes of this run, wherever they are in the process tree.
 * @param {string} run
 */
export function processesOf(run) {
  return processesWith(`${RUN_VARIABLE}=${run}`);
}

/**
 * The processes with a variable in their environment: from /proc on Linux, from `ps` on macOS, which hides the
 * environment of system programs.
 * @param {string} entry `NAME=value`
 * @returns {number[]}
 */
export function processesWith(entry) {
  if (process.platform === 'linux') {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && readEnvironment(name).includes(entry))
      .map(Number);
  }
  const list = execFileSync('ps', ['-A', '-E', '-ww', '-o', 'pid=,command='], {
    encoding: 'utf8',
    timeout: PS_TIMEOUT_MS,
    maxBuffer: MAX_PS_BYTES,
  });
  return list
    .split('\n')
    .filter((line) => line.includes(entry))
    .map((line) => Number.parseInt(line, 10));
}

/** @param {string} pid */
function readEnvironment(pid) {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
  } catch {
    // Ended meanwhile, or another user's.
    return [];
  }
}

/**
 * Ends every process of this run, also those that a crashed agent left behind. Synchronous, so that it also works while
 * this process ends. Gives the processes that are left.
 * @param {string} run
 * @returns {number[]}
 */
export function endProcessesOf(run) {
  const deadline = performance.now() + END_TIMEOUT_MS;
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (;;) {
    const left = processesOf(run);
    if (left.length === 0 || performance.now() > deadline) return left;
    for (const pid of left) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // Ended meanwhile.
      }
    }
    Atomics.wait(pause, 0, 0, CHECK_INTERVAL_MS);
  }
}
