// @ts-check
/** Allows one set-up at a time in a folder: concurrent installs or builds would destroy each other's files. */
import { randomUUID } from 'node:crypto';
import {
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import { readJsonObject } from './json.mjs';
import { SetupProblem } from './problem.mjs';

/** The owner touches its lock this often; for processes in another container or on another machine, it is the only sign. */
const TOUCH_INTERVAL_MS = 5_000;
const STALE_AFTER_MS = 60_000;
/** How long an old lock is watched: a clock that was set ahead makes one look old until its owner touches it again. */
const WATCH_MS = 2 * TOUCH_INTERVAL_MS + 1_000;
const LOOK_INTERVAL_MS = 300;
const MAX_WAIT_MS = 30 * 60_000;

/**
 * Runs `work` while this process alone holds the lock; waits for a live holder, and takes the lock from a dead
 * one.
 * @template T
 * @param {string} path the lock file
 * @param {() => Promise<T>} work
 * @param {{ say?: (line: string) => void, maxWaitMs?: number, watchMs?: number }} [options]
 * @returns {Promise<T>}
 */
export async function withLock(path, work, { say = console.log, maxWaitMs = MAX_WAIT_MS, watchMs = WATCH_MS } = {}) {
  mkdirSync(dirname(path), { recursive: true });
  const own = JSON.stringify({ pid: process.pid, machine: hostname(), id: randomUUID() });
  const deadline = performance.now() + maxWaitMs;
  const isUntouched = watch(path, watchMs);
  let told = false;
  while (!tryTake(path, own, isUntouched)) {
    if (!told) say(`Another set-up is running in this folder (process ${holderOf(path)}); waiting for it to end.`);
    told = true;
    if (performance.now() > deadline) {
      throw new SetupProblem(
        `Another set-up has held ${path} for too long: end it, or remove that file, and start again.`,
      );
    }
    await wait(LOOK_INTERVAL_MS);
  }
  const touching = setInterval(() => touch(path, own), TOUCH_INTERVAL_MS);
  try {
    return await work();
  } finally {
    clearInterval(touching);
    if (contentOf(path) === own) unlinkSync(path);
  }
}

/**
 * Says whether a lock has not been touched for `watchMs` since this process first saw it.
 * @param {string} path
 * @param {number} watchMs
 */
function watch(path, watchMs) {
  let key = '';
  let since = performance.now();
  return () => {
    const stat = statSync(path, { throwIfNoEntry: false });
    const present = `${stat?.ino} ${stat?.mtimeMs}`;
    if (present !== key) since = performance.now();
    key = present;
    return performance.now() - since >= watchMs;
  };
}

/**
 * @param {string} path
 * @param {string} own
 * @param {() => boolean} isUntouched
 */
function tryTake(path, own, isUntouched) {
  if (create(path, own)) return true;
  const content = contentOf(path);
  if (content === null || !isStale(path, isUntouched)) return false;
  const moved = `${path}.${randomUUID()}`;
  try {
    renameSync(path, moved);
  } catch {
    return false; // Another process was faster.
  }
  if (contentOf(moved) !== content) {
    // Another process took it between the check and the rename: give it back.
    try {
      linkSync(moved, path);
    } catch {
      // A third process holds it now; the owner will notice that it lost the lock.
    }
  }
  unlinkSync(moved);
  return create(path, own);
}

/**
 * @param {string} path
 * @param {string} own
 */
function create(path, own) {
  try {
    writeFileSync(path, own, { flag: 'wx' });
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

/**
 * @param {string} path
 * @param {() => boolean} isUntouched
 */
function isStale(path, isUntouched) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return false;
  const holder = readJsonObject(path);
  const { pid, machine } = holder ?? {};
  if (machine === hostname() && typeof pid === 'number' && !isAlive(pid)) return true;
  return isUntouched() && Date.now() - stat.mtimeMs > STALE_AFTER_MS;
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is alive and belongs to another user.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/**
 * @param {string} path
 * @param {string} own
 */
function touch(path, own) {
  try {
    const now = new Date();
    if (contentOf(path) === own) utimesSync(path, now, now);
  } catch {
    // The folder was removed; the work itself will report it.
  }
}

/** @param {string} path */
function contentOf(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

/** @param {string} path */
function holderOf(path) {
  const pid = readJsonObject(path)?.['pid'];
  return typeof pid === 'number' ? String(pid) : 'unknown';
}
