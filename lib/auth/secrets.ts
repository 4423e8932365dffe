/** Secrets that the dashboard generates once, in files that only its user may read. */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

export interface Secrets {
  sessionSecret: string;
  agentToken: string;
  /** For secrets at rest. Always generated here: it protects a database that is copied without its folder. */
  encryptionKey: string;
}

export interface LoadedSecrets {
  secrets: Secrets;
  /** Sentences for the log: which permissions are too open, and how to fix them. */
  warnings: readonly string[];
}

const SECRET_BYTES = 32;
const MIN_LENGTH = 16;
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

const errorCode = (error: unknown): string | null =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;

/**
 * Reads the secrets in `<dataDir>/secrets`, and generates those that are neither present nor configured. Concurrent
 * starts get the same ones. Throws with a message that says what to do when a file can't be read or written.
 */
export function loadSecrets(
  dataDir: string,
  configured: { sessionSecret: string | null; agentToken: string | null },
): LoadedSecrets {
  const folder = join(dataDir, 'secrets');
  mkdirSync(folder, { recursive: true, mode: FOLDER_MODE });
  const files: string[] = [];
  const made = (name: string): string => {
    const file = join(folder, name);
    files.push(file);
    return readOrMake(file);
  };
  const secrets: Secrets = {
    sessionSecret: configured.sessionSecret ?? made('session-secret'),
    agentToken: configured.agentToken ?? made('agent-token'),
    encryptionKey: made('encryption-key'),
  };
  const warnings = [
    ...[dataDir, folder].flatMap((path) => permissionWarning(path, FOLDER_MODE)),
    ...files.flatMap((path) => permissionWarning(path, FILE_MODE)),
  ];
  return { secrets, warnings };
}

function readOrMake(file: string): string {
  const found = read(file);
  if (found !== null) return found;
  // link() makes the file appear with its whole content, and fails when another start was first.
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  const descriptor = openSync(draft, 'wx', FILE_MODE);
  try {
    writeSync(descriptor, `${randomBytes(SECRET_BYTES).toString('base64url')}\n`);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  try {
    linkSync(draft, file);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  } finally {
    rmSync(draft);
  }
  const made = read(file);
  if (made === null) throw new Error(`The secret in ${file} disappeared while it was being created. Start again.`);
  return made;
}

function read(file: string): string | null {
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT') return null;
    throw new Error(
      `The secret in ${file} can't be read (${code ?? 'unknown error'}). Make it readable for this user.`,
      {
        cause: error,
      },
    );
  }
  if (text.length < MIN_LENGTH) {
    throw new Error(
      `The secret in ${file} is too short. Restore it from a backup, or remove the file to make a new one.`,
    );
  }
  return text;
}

function permissionWarning(path: string, wanted: number): string[] {
  const mode = statSync(path).mode & 0o777;
  if ((mode & ~wanted) === 0) return [];
  const shown = (value: number) => value.toString(8).padStart(3, '0');
  return [`${path} is accessible to other users of this machine (mode ${shown(mode)}): chmod ${shown(wanted)} ${path}`];
}
