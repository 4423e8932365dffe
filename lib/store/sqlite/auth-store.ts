/** Users, sessions, used codes and limits in the database: implements `lib/auth/operator/auth-ports.ts`. */
import { and, asc, count, desc, eq, getTableColumns, inArray, isNull, like, lt } from 'drizzle-orm';
import { z } from 'zod';
import type { AuthStore } from '@/lib/auth/operator/auth-ports';
import type { Db } from './open-database';
import { recoveryCodes, sessions, throttles, totpSteps, users } from './schema';
import { createSettingsStore } from './settings-store';

const CONFIGURED_MARK = 'auth.configured-credentials';
const { provenAt: _provenAt, ...sessionColumns } = getTableColumns(sessions);

function replaceCodes(tx: Pick<Db, 'delete' | 'insert'>, userId: string, codeHashes: readonly string[]): void {
  tx.delete(recoveryCodes).where(eq(recoveryCodes.userId, userId)).run();
  for (const codeHash of codeHashes) tx.insert(recoveryCodes).values({ userId, codeHash }).run();
}

/** Creates the store on an open database. */
export function createAuthStore(db: Db): AuthStore {
  const settings = createSettingsStore(db);
  return {
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
    configuredMark: () => settings.get(CONFIGURED_MARK, z.string()),
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
    useRecoveryCode(userId, codeHash, now) {
      const unused = and(
        eq(recoveryCodes.userId, userId),
        eq(recoveryCodes.codeHash, codeHash),
        isNull(recoveryCodes.usedAt),
      );
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

    throttle(bucket) {
      return db.select().from(throttles).where(eq(throttles.bucket, bucket)).get() ?? null;
    },
    saveThrottles(records) {
      db.transaction((tx) => {
        for (const record of records) {
          tx.insert(throttles).values(record).onConflictDoUpdate({ target: throttles.bucket, set: record }).run();
        }
      });
    },
    removeThrottles(buckets) {
      db.delete(throttles)
        .where(inArray(throttles.bucket, [...buckets]))
        .run();
    },
    pruneThrottles(before, keep) {
      db.delete(throttles).where(lt(throttles.lastAt, before)).run();
      const ofAddresses = like(throttles.bucket, '%:address:%');
      const [{ total } = { total: 0 }] = db.select({ total: count() }).from(throttles).where(ofAddresses).all();
      if (total <= keep) return;
      const oldest = db
        .select({ bucket: throttles.bucket })
        .from(throttles)
        .where(ofAddresses)
        .orderBy(asc(throttles.lastAt))
        .limit(total - keep);
      db.delete(throttles).where(inArray(throttles.bucket, oldest)).run();
    },
  };
}
