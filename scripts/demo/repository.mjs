// @ts-check
/** A real git repository for the demo or a test: a bare `origin.git`, and a clone for making commits. */
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { cleanEnvironment } from './environment.mjs';
import { bumpLock, firstLock } from './lock-file.mjs';
import { repositoryFiles } from './repository-files.mjs';

const GIT_TIMEOUT_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const execute = promisify(execFile);

/** @typedef {import('./repository-files.mjs').RepositoryHost} RepositoryHost */

/**
 * @typedef {object} Change
 * @property {boolean} [bumpLock] moves every input of flake.lock
 * @property {string} [host] whose configuration gets the line; without it, the shared NixOS configuration
 * @property {string} [line] of Nix, or a comment with the message
 * @property {Record<string, string>} [files] path and contents, written unchanged; scripts (`*.sh`) are made executable
 * @property {Date} [date] of the commit
 */

/**
 * @typedef {object} DemoRepository
 * @property {string} origin path of the bare repository
 * @property {string} work path of the clone
 * @property {() => Promise<string>} head the full commit of main
 * @property {(message: string, change?: Change) => Promise<string>} commit commits and pushes to main; gives the full commit
 * @property {(path: string, behind: number) => Promise<void>} cloneTo makes a clone that is some commits behind main
 */

/**
 * Makes the repository in an existing folder, with a history of some days.
 * @param {string} folder
 * @param {readonly RepositoryHost[]} hosts
 * @param {{ env?: NodeJS.ProcessEnv, signal?: AbortSignal }} [options] `signal` ends a running git
 * @returns {Promise<DemoRepository>}
 */
export async function createDemoRepository(folder, hosts, { env = cleanEnvironment(process.env).env, signal } = {}) {
  const origin = join(folder, 'origin.git');
  const work = join(folder, 'work');

  /**
   * @param {readonly string[]} args
   * @param {{ cwd?: string, date?: Date }} [options]
   */
  async function git(args, { cwd = work, date = new Date() } = {}) {
    const when = date.toISOString();
    const person = ['-c', 'user.name=Ada Example', '-c', 'user.email=ada@fleet.example'];
    const { stdout } = await execute('git', [...person, ...args], {
      cwd,
      env: { ...env, GIT_AUTHOR_DATE: when, GIT_COMMITTER_DATE: when },
      timeout: GIT_TIMEOUT_MS,
      signal,
    });
    return stdout.trim();
  }

  /** @param {Record<string, string>} files */
  function write(files) {
    for (const [path, content] of Object.entries(files)) {
      const full = join(work, path);
      mkdirSync(dirname(full), { recursive: true });
      writeFileSync(full, content);
      if (path.endsWith('.sh')) chmodSync(full, 0o755);
    }
  }

  /** @type {DemoRepository['commit']} */
  async function commit(message, { bumpLock: bump = false, host, line, files = {}, date = new Date() } = {}) {
    if (bump) write({ 'flake.lock': bumpLock(readFileSync(join(work, 'flake.lock'), 'utf8'), null, date).text });
    write(files);
    if (host !== undefined || line !== undefined || (!bump && Object.keys(files).length === 0)) {
      const path = host === undefined ? 'modules/common.nix' : `hosts/${host}/configuration.nix`;
      const before = readFileSync(join(work, path), 'utf8');
      write({ [path]: before.replace(/\}\n$/, `  ${line ?? `# ${message}`}\n}\n`) });
    }
    await git(['add', '--all']);
    await git(['commit', '--quiet', '--message', message], { date });
    await git(['push', '--quiet', 'origin', 'main']);
    return git(['rev-parse', 'HEAD']);
  }

  await git(['init', '--quiet', '--bare', '--initial-branch=main', '--template=', origin], { cwd: folder });
  await git(['init', '--quiet', '--initial-branch=main', '--template=', work], { cwd: folder });
  await git(['remote', 'add', 'origin', origin]);
  const ago = (/** @type {number} */ ms) => new Date(Date.now() - ms);
  const begun = ago(23 * DAY_MS);
  await commit('fleet: first configuration', {
    files: { ...repositoryFiles(hosts), 'flake.lock': firstLock(begun) },
    date: begun,
  });
  await commit('common: collect garbage every week', {
    line: 'nix.gc.options = "--delete-older-than 30d";',
    date: ago(9 * DAY_MS),
  });
  await commit('flake.lock: update', { bumpLock: true, date: ago(3 * DAY_MS) });
  await commit('common: keep the journal below 1 GB', {
    line: 'services.journald.extraConfig = "SystemMaxUse=1G";',
    date: ago(5 * HOUR_MS),
  });
  return {
    origin,
    work,
    head: () => git(['rev-parse', 'HEAD']),
    commit,
    async cloneTo(path, behind) {
      await git(['clone', '--quiet', '--branch', 'main', '--single-branch', '--', origin, path], { cwd: folder });
      await git(['reset', '--quiet', '--hard', `HEAD~${behind}`], { cwd: path });
    },
  };
}
