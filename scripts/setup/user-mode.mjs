// @ts-check
/**
 * A Linux kernel as an ordinary process (user-mode Linux), for tests that need a kernel with other settings than the
 * machine's: cgroup v2 alone, with the memory controller. Its root is that of the machine, read-only.
 */
import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from './requirements.mjs';
import { run } from './run.mjs';

const PROGRAM = 'linux.uml';
const PACKAGE = 'user-mode-linux';
const MEMORY = '1536M';

/**
 * @param {string} root of the checkout
 * @param {(line: string) => void} say
 * @returns {Promise<string | null>} why there is no such kernel, as a sentence; null when there is one
 */
export async function ensureUserMode(root, say) {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'A kernel in user mode needs Linux on x86_64.';
  if (process.getuid?.() !== 0) return 'Only root can start the kernel in user mode on the files of this machine.';
  if (findProgram(PROGRAM) === null && findProgram('apt-get') !== null) {
    say(`Installing ${PACKAGE} for the test of the memory limit …`);
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    await run('apt-get', ['update'], { cwd: root, env });
    await run('apt-get', ['install', '--yes', '--no-install-recommends', PACKAGE], { cwd: root, env });
  }
  return findProgram(PROGRAM) === null
    ? `${PROGRAM} was not found. Debian: apt-get install ${PACKAGE} (as root).`
    : null;
}

/** For a POSIX shell. @param {string} text */
const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

/**
 * Boots the kernel, runs one command in it, and powers it off.
 * @param {object} options
 * @param {string} options.root of the checkout
 * @param {string} options.shared a folder of the machine that the command may write to
 * @param {string} options.mountedAt where the command sees that folder: a folder below /run
 * @param {Record<string, string>} options.environment
 * @param {readonly string[]} options.command
 * @param {number} options.timeoutS
 * @returns {Promise<{ booted: boolean, output: string, code: number }>}
 */
export async function bootUserMode({ root, shared, mountedAt, environment, command, timeoutS }) {
  const init = join(shared, 'user-mode-init');
  const booted = join(shared, 'user-mode.booted');
  const variables = Object.entries(environment).map(([name, value]) => `export ${name}=${quoted(value)}`);
  writeFileSync(
    init,
    `#!/bin/sh
${variables.join('\n')}
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs tmp /run
mkdir -p /dev/pts /dev/shm
mount -t devpts pts /dev/pts
mount -t tmpfs shm /dev/shm
mount -t cgroup2 cgroup /sys/fs/cgroup
echo +memory >/sys/fs/cgroup/cgroup.subtree_control
ip link set lo up
mkdir -p ${quoted(mountedAt)}
mount -t hostfs -o ${quoted(shared)} none ${quoted(mountedAt)} && touch ${quoted(join(mountedAt, 'user-mode.booted'))}
cd ${quoted(root)} && ${command.map(quoted).join(' ')} </dev/null 2>&1 | cat
echo o >/proc/sysrq-trigger
sleep 60
`,
  );
  chmodSync(init, 0o755);
  let output = '';
  const kernel = [
    PROGRAM,
    `mem=${MEMORY}`,
    'rootfstype=hostfs',
    'ro',
    `init=${init}`,
    'quiet',
    'con=null',
    'con0=null,fd:1',
  ];
  const code = await run('timeout', ['--kill-after=10', String(timeoutS), ...kernel], {
    cwd: root,
    onText: (text) => void (output += text),
  });
  return { booted: existsSync(booted), output, code };
}
