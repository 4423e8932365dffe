/** Users, sessions, used codes and limits in the database: implements `lib/auth/operator/auth-ports.ts`. */
import { and, asc, count, desc, eq, getTableColumns, inArray, isNull, like, lt, or, sql } from 'drizzle-orm';
import { z } from 'zod';
import type { AuthStore, ThrottleRecord } from '@/lib/auth/operator/auth-ports';
import { withDatabaseErrors } from './database-errors';
import type { Direct } from './later';
import type { Connection } from './open-database';
import { recoveryCodes, sessions, throttles, totpSteps, users } from './schema';
import { createSettingsStore } from './settings-store';

const CONFIGURED_MARK = 'auth.configured-credentials';
const { provenAt: _provenAt, ...sessionColumns } = getTableColumns(sessions);

function replaceCodes(tx: Pick<Connection, 'delete' | 'insert'>, userId: string, codeHashes: readonly string[]): void {
  tx.delete(recoveryCodes).where(eq(recoveryCodes.userId, userId)).run();
  for (const codeHash of codeHashes) tx.insert(recoveryCodes).values({ userId, codeHash }).run();
}

const unusedCode = (userId: string, codeHash: string) =>
  and(eq(recoveryCodes.userId, userId), eq(recoveryCodes.codeHash, codeHash), isNull(recoveryCodes.usedAt));

const ofKind = (kind: string) => sql`substr(${throttles.bucket}, 1, length(${kind}) + 1) = ${kind} || ':'`;

function isSame(one: ThrottleRecord | null, other: ThrottleRecord | null): boolean {
  if (one === null || other === null) return one === other;
  return (
    one.failures === other.failures &&
    one.firstAt === other.firstAt &&
    one.lastAt === other.lastAt &&
    one.blockedUntil === other.blockedUntil
  );
}

/** Creates the store on an open database. */
export function createAuthStore(db: Connection): Direct<AuthStore> {
  const settings = createSettingsStore(db);
  const throttle = (from: Pick<Connection, 'select'>, bucket: string) =>
    from.select().from(throttles).where(eq(throttles.bucket, bucket)).get() ?? null;

  const store: Direct<AuthStore> = {
    ensureUser({ id, name }, now) {
      db.insert(users).values({ id, name, createdAt: now, updatedAt: now }).onConflictDoNothing().run();
    },
    user(id) {
      const { name, passwordHash, totpSecret } = users;
      return (
        db.select({ id: users.id, name, passwordHash, totpSecret }).from(users).where(eq(users.id, id)).get() ?? null
      );
    },
    setFirstCredentials({ userId, passwordHash, totpSecret, recoveryCodeHashes, now }) {
      return db.transaction(
        (tx) => {
          const { changes } = tx
            .update(users)
            .set({ passwordHash, totpSecret, updatedAt: now })
            .where(and(eq(users.id, userId), isNull(users.passwordHash)))
            .run();
          if (changes !== 1) return false;
          replaceCodes(tx, userId, recoveryCodeHashes);
          return true;
        },
        { behavior: 'immediate' },
      );
    },
    setPassword(userId, passwordHash, now) {
      db.update(users).set({ passwordHash, updatedAt: now }).where(eq(users.id, userId)).run();
    },
    setSecondFactor({ userId, totpSecret, recoveryCodeHashes, now }) {
      db.transaction((tx) => {
        tx.update(users).set({ totpSecret, updatedAt: now }).where(eq(users.id, userId)).run();
        replaceCodes(tx, userId, recoveryCodeHashes);
      });
    },
    setRecoveryCodes(userId, codeHashes) {
      db.transaction((tx) => replaceCodes(tx, userId, codeHashes));
    },
    recoveryCodesLeft(userId) {
      const unused = and(eq(recoveryCodes.userId, userId), isNull(recoveryCodes.usedAt));
      return db.select({ left: count() }).from(recoveryCodes).where(unused).get()?.left ?? 0;
    },
    configuredMark: () => z.string().safeParse(settings.get(CONFIGURED_MARK)).data ?? null,
    setConfiguredMark(mark, now) {
      settings.set(CONFIGURED_MARK, mark, now);
    },

    useTotpStep(secretHash, step) {
      // Compare and set in one statement: of two sign-ins with the same code, one wins.
      const { changes } = db
        .insert(totpSteps)
        .values({ secretHash, lastStep: step })
        .onConflictDoUpdate({
          target: totpSteps.secretHash,
          set: { lastStep: step },
          setWhere: lt(totpSteps.lastStep, step),
        })
        .run();
      return changes === 1;
    },
    hasRecoveryCode(userId, codeHash) {
      return (
        db.select({ one: recoveryCodes.codeHash }).from(recoveryCodes).where(unusedCode(userId, codeHash)).get() !==
        undefined
      );
    },
    useRecoveryCode(userId, codeHash, now) {
      const unused = unusedCode(userId, codeHash);
      return db.update(recoveryCodes).set({ usedAt: now }).where(unused).run().changes === 1;
    },

    addSession(session) {
      db.insert(sessions).values(session).run();
    },
    session(idHash) {
      const row = db
        .select({ ...sessionColumns, userName: users.name })
        .from(sessions)
        .innerJoin(users, eq(users.id, sessions.userId))
        .where(eq(sessions.idHash, idHash))
        .get();
      return row ?? null;
    },
    sessionsOf(userId) {
      return db
        .select({ ...sessionColumns, userName: users.name })
        .from(sessions)
        .innerJoin(users, eq(users.id, sessions.userId))
        .where(and(eq(sessions.userId, userId), isNull(sessions.revokedAt)))
        .orderBy(desc(sessions.lastSeenAt))
        .all();
    },
    touchSession(idHash, lastSeenAt) {
      db.update(sessions).set({ lastSeenAt }).where(eq(sessions.idHash, idHash)).run();
    },
    revokeSession(idHash, now) {
      const open = and(eq(sessions.idHash, idHash), isNull(sessions.revokedAt));
      return db.update(sessions).set({ revokedAt: now }).where(open).run().changes === 1;
    },
    removeSessions(expiredBefore) {
      db.delete(sessions).where(lt(sessions.expiresAt, expiredBefore)).run();
    },

    throttles: (buckets) => buckets.map((bucket) => throttle(db, bucket)),
    changeThrottles(changes) {
      return db.transaction(
        (tx) => {
          if (!changes.every(({ bucket, from }) => isSame(throttle(tx, bucket), from))) return false;
          for (const { bucket, to } of changes) {
            if (to === null) tx.delete(throttles).where(eq(throttles.bucket, bucket)).run();
            else tx.insert(throttles).values(to).onConflictDoUpdate({ target: throttles.bucket, set: to }).run();
          }
          return true;
        },
        { behavior: 'immediate' },
      );
    },
    removeThrottles(buckets) {
      db.delete(throttles)
        .where(inArray(throttles.bucket, [...buckets]))
        .run();
    },
    removeThrottlesOf(kinds) {
      if (kinds.length > 0)
        db.delete(throttles)
          .where(or(...kinds.map((kind) => ofKind(kind))))
          .run();
    },
    pruneThrottles(before, keep) {
      db.transaction(
        (tx) => {
          tx.delete(throttles).where(lt(throttles.lastAt, before)).run();
          const ofAddresses = like(throttles.bucket, '%:address:%');
          const [{ total } = { total: 0 }] = tx.select({ total: count() }).from(throttles).where(ofAddresses).all();
          if (total <= keep) return;
          const oldest = tx
            .select({ bucket: throttles.bucket })
            .from(throttles)
            .where(ofAddresses)
            .orderBy(asc(throttles.lastAt))
            .limit(total - keep);
          tx.delete(throttles).where(inArray(throttles.bucket, oldest)).run();
        },
        { behavior: 'immediate' },
      );
    },
  };
  return withDatabaseErrors(store, db.$client.name);
}
