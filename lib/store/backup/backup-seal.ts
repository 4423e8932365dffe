/**
 * Encryption of backups in the age format (https://age-encryption.org/v1), so that the `age` program opens them too.
 * The key is a passphrase, or an identity (`AGE-SECRET-KEY-1…`).
 */
import { Decrypter, Encrypter, identityToRecipient } from 'age-encryption';
import { createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { PRIVATE_FILE } from './backup-files';
import { BackupProblem } from './backup-problem';

/**
 * 2^16: about a third of a second and 64 MB for each guess. The default of age, 2^18, takes 256 MB, more than the whole
 * dashboard needs. A random key is best anyway (`nixfleet generate-secrets`).
 */
const SCRYPT_WORK_FACTOR = 16;

const PIECE_BYTES = 262_144;

const isIdentity = (key: string): boolean => key.startsWith('AGE-SECRET-KEY-');

/** Encrypts a file into a new one that only this user can read. */
export async function sealFile(from: string, to: string, key: string): Promise<void> {
  const encrypter = new Encrypter();
  if (isIdentity(key)) {
    encrypter.addRecipient(
      await identityToRecipient(key).catch((error: unknown) => {
        throw new BackupProblem(
          'NIXFLEET_BACKUP_KEY is not a complete age identity: write it exactly as age-keygen printed it.',
          error,
        );
      }),
    );
  } else {
    encrypter.setScryptWorkFactor(SCRYPT_WORK_FACTOR);
    encrypter.setPassphrase(key);
  }
  await writePieces(piecesOf(await encrypter.encrypt(streamOf(from))), to);
}

/** Decrypts a file into a new one. Throws a BackupProblem when the key is wrong or the file was changed. */
export async function openSealedFile(from: string, to: string, key: string): Promise<void> {
  await writePieces(await openSealed(from, key), to).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('E')) {
      throw error;
    }
    throw new BackupProblem(`${from} is damaged: only a part of it can be decrypted.`, error);
  });
}

/** The decrypted content of a file, piece by piece. */
export async function openSealed(from: string, key: string): Promise<AsyncIterable<Uint8Array>> {
  const decrypter = new Decrypter();
  try {
    if (isIdentity(key)) decrypter.addIdentity(key);
    else decrypter.addPassphrase(key);
    return piecesOf(await decrypter.decrypt(streamOf(from)));
  } catch (error) {
    throw new BackupProblem(
      `${from} can’t be decrypted: NIXFLEET_BACKUP_KEY is not the key it was encrypted with, or the file is damaged.`,
      error,
    );
  }
}

/** age takes web streams; the types of node's conversion do not match the platform's. */
function streamOf(path: string): ReadableStream<Uint8Array> {
  const opened = open(path, 'r');
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const file = await opened;
      const { bytesRead, buffer } = await file.read(new Uint8Array(PIECE_BYTES), 0, PIECE_BYTES);
      if (bytesRead > 0) {
        controller.enqueue(buffer.subarray(0, bytesRead));
        return;
      }
      await file.close();
      controller.close();
    },
    async cancel() {
      await (await opened).close();
    },
  });
}

async function* piecesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  const reader = stream.getReader();
  let ended = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      ended = done;
      if (done) return;
      yield value;
    }
  } finally {
    if (!ended) await reader.cancel().catch(() => undefined);
  }
}

async function writePieces(pieces: AsyncIterable<Uint8Array>, to: string): Promise<void> {
  await pipeline(pieces, createWriteStream(to, { flags: 'wx', mode: PRIVATE_FILE }));
}
