/**
 * What agents, browsers and operators experience while the database can't be written, on real sockets: a file that may
 * not grow, one that may not be changed, and a disk that is really full (where this process may mount one).
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { createAuth } from '@/lib/auth/operator/create-auth';
import { sessionIdHash } from '@/lib/auth/operator/sessions';
import { storageRefusal } from '@/lib/auth/next/storage-refusal';
import { PASSWORD, PASSWORD_HASH, SECRETS } from '@/lib/auth/testing/auth';
import { createBackup } from '@/lib/store/backup/create-backup';
import type { AuthStore } from '@/lib/auth/operator/auth-ports';
import { createAuthStore } from '@/lib/store/sqlite/auth-store';
import { answerLater } from '@/lib/store/sqlite/later';
import { checkWritable } from '@/lib/store/sqlite/database-health';
import { makeTestLog, openTestDatabase } from '@/lib/store/sqlite/testing/database';
import { createTestServer, type TestServer } from '../../testing/test-server';

const DISK_BYTES = 6 * 1_048_576;

interface Disk {
  folder: string;
  fill(): void;
  free(): void;
  remove(): void;
}

/** A separate disk; null where this process may not mount one. */
function mountDisk(): Disk | null {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'nixfleet-disk-')));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    rmSync(folder, { recursive: true });
    return null;
  }
  const ballast = join(folder, 'ballast');
  return {
    folder,
    fill: () => {
      const { bavail, bsize } = statfsSync(folder);
      writeFileSync(ballast, Buffer.alloc(bavail * bsize));
    },
    free: () => rmSync(ballast, { force: true }),
    remove: () => {
      execFileSync('umount', [folder]);
      rmSync(folder, { recursive: true });
    },
  };
}

const probe = mountDisk();
probe?.remove();

describe.each(['a file that may not grow', 'a file that may not be changed', 'a disk that is full'])('%s', (what) => {
  const skips = what === 'a disk that is full' && probe === null;
  let server: TestServer;
  let disk: Disk | null;
  let refuse: (on: boolean) => void;

  beforeEach(async () => {
    disk = what === 'a disk that is full' && !skips ? mountDisk() : null;
    server = await createTestServer({ testDb: openTestDatabase(disk?.folder) });
    const client = server.db.$client;
    refuse = (on) => {
      if (disk) {
        if (on) disk.fill();
        else disk.free();
      } else if (what === 'a file that may not grow') {
        client.pragma(`max_page_count = ${on ? String(client.pragma('page_count', { simple: true })) : 1_073_741_823}`);
      } else client.pragma(`query_only = ${on ? 'ON' : 'OFF'}`);
    };
  });

  afterEach(async () => {
    refuse(false);
    await server.close();
    disk?.remove();
  });

  const dispatch = async (hostId: string, requestId: string) =>
    (await server.fleet.dispatch({ operation: 'test', hostIds: [hostId], requestId, force: true, by: server.by }))[0];

  it.skipIf(skips)(
    `keeps agents connected, acknowledges nothing that is not stored, informs every page, and recovers${skips ? ' (skipped: this process may not mount a file system)' : ''}`,
    async () => {
      const agent = await server.agent();
      agent.send('register', { hostname: 'h3', protocol: 3, instance: 'i1', running: null, finished: [] });
      await agent.inbox.find((frame) => frame.type === 'registered');
      const browser = await server.browser();
      const idle = await server.registeredAgent('h4');
      const begun = await dispatch('h3', '1'.repeat(32));
      if (begun?.kind !== 'accepted') throw new Error(begun?.kind);
      await agent.inbox.find((frame) => frame.type === 'command');

      refuse(true);
      // More than fits into the room that a page of the file may still have.
      const lines = Array.from({ length: 400 }, (_, index) => ({
        seq: index + 1,
        stream: 'stdout',
        line: `${index} ${'x'.repeat(200)}`,
      }));
      agent.send('output_batch', { command_id: begun.commandId, lines });
      const fleet = await browser.until(({ notices }) => notices.length > 0);
      expect(fleet.notices[0]?.message).toContain('The database refuses writes');
      // Whatever came before this answer was not acknowledged.
      agent.socket.ping();
      await new Promise((resolve) => agent.socket.once('pong', resolve));
      expect(agent.inbox.all.filter((frame) => frame.type === 'ack')).toEqual([]);
      expect(server.fleet.host('h3')?.online).toBe(true);
      expect(await dispatch('h4', '2'.repeat(32))).toMatchObject({ kind: 'not-stored' });
      expect(checkWritable(server.db).kind).toBe('refused');

      refuse(false);
      await agent.inbox.find((frame) => frame.type === 'ack' && frame.payload.output_seq === 400);
      await browser.until(({ notices }) => notices.length === 0);
      expect(await server.fleet.output(begun.commandId, 0, 1_000)).toHaveLength(400);
      expect(checkWritable(server.db).kind).toBe('writable');
      // What was refused was never sent, and what is accepted now is.
      expect(idle.inbox.all.filter((frame) => frame.type === 'command')).toEqual([]);
      expect(await dispatch('h4', '3'.repeat(32))).toMatchObject({ kind: 'accepted' });
      await idle.inbox.find((frame) => frame.type === 'command');
    },
  );

  it.skipIf(skips)(
    'refuses a sign-in whose session can’t be stored, with the reason, and accepts it afterwards',
    async () => {
      const auth = await createAuth({
        store: answerLater<AuthStore>(createAuthStore(server.db)),
        now: () => Date.now(),
        record: (event) => server.fleet.record(event),
        log: makeTestLog().log,
        secrets: SECRETS,
        settings: {
          passwordHash: PASSWORD_HASH,
          totpSecret: null,
          sessionDurationMs: 3_600_000,
          sessionIdleMs: 3_600_000,
          requireTotp: false,
          rateLimit: 5,
          rateWindowMs: 60_000,
          baseUrl: null,
        },
      });
      const signIn = () =>
        auth.signIn({ password: PASSWORD, code: '', address: '192.0.2.1', userAgent: 'x'.repeat(400), cookies: null });
      // Small rows may fit into a page that is there already: then the session is stored like any other.
      const attempts = await trySignIns(signIn, () => refuse(true));
      expect(attempts.refusal).toMatch(/database cannot be written/);
      for (const sessionId of attempts.accepted) expect(await auth.stillValid(sessionIdHash(sessionId))).not.toBe(null);
      refuse(false);
      expect((await signIn()).kind).toBe('signed-in');
    },
  );

  if (what !== 'a disk that is full') return;
  it.skipIf(skips)('makes no backup there, and leaves nothing of it', async () => {
    const folder = join(disk?.folder ?? '', 'backups');
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    refuse(true);
    await expect(
      createBackup({
        dbPath: server.db.$client.name,
        secretsFolder: join(disk?.folder ?? '', 'secrets'),
        folder,
        key: null,
        version: '4.0.0',
        now: () => Date.now(),
      }),
    ).rejects.toThrow(/There is not enough room|no room left/);
  });
});

/** Signs in until the database refuses: a full one takes what fits into pages that it has. */
async function trySignIns(
  signIn: () => Promise<{ kind: string; sessionId?: string }>,
  refuse: () => void,
): Promise<{ refusal: string; accepted: string[] }> {
  refuse();
  const accepted: string[] = [];
  for (let attempt = 0; attempt < 200; attempt += 1) {
    try {
      const { sessionId } = await signIn();
      if (sessionId !== undefined) accepted.push(sessionId);
    } catch (error) {
      return { refusal: storageRefusal(error) ?? `not a storage refusal: ${String(error)}`, accepted };
    }
  }
  return { refusal: 'none', accepted };
}
