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
 * 2^16: about a third of a second and 64 MB for each guess. age's own 2^18 takes 256 MB, which is more than the whole
 * dashboard needs; the key is best a random one anyway (`nixfleet generate-secrets`).
 */
const SCRYPT_WORK_FACTOR = 16;

const PIECE_BYTES = 262_144;

const isIdentity = (key: string): boolean => key.startsWith('AGE-SECRET-KEY-');

/** Encrypts a file into a new one that only this user may read. */
export async function sealFile(from: string, to: string, key: string): Promise<void> {
  const encrypter = new Encrypter();
  if (isIdentity(key)) {
    encrypter.addRecipient(
      await identityToRecipient(key).catch((error: unknown) => {
        throw new BackupProblem(
          'NIXFLEET_BACKUP_KEY is not a whole age identity: write it as age-keygen gave it.',
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

/** Decrypts a file into a new one. Throws a BackupProblem when the key is another one or the file was changed. */
export async function openSealedFile(from: string, to: string, key: string): Promise<void> {
  await writePieces(await openSealed(from, key), to).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('E')) {
      throw error;
    }
    throw new BackupProblem(`${from} is damaged: it can be decrypted in part only.`, error);
  });
}

/** What is in an encrypted file, piece by piece as it is decrypted. */
export async function openSealed(from: string, key: string): Promise<AsyncIterable<Uint8Array>> {
  const decrypter = new Decrypter();
  try {
    if (isIdentity(key)) decrypter.addIdentity(key);
    else decrypter.addPassphrase(key);
    return piecesOf(await decrypter.decrypt(streamOf(from)));
  } catch (error) {
    throw new BackupProblem(
      `${from} can’t be decrypted: NIXFLEET_BACKUP_KEY is not the key that it was made with, or the file is damaged.`,
      error,
    );
  }
}

/** age takes web streams; node's own conversion has other types than the platform's. */
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
