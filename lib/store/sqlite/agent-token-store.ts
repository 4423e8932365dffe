/** Tokens of hosts and enrolment codes in the database: implements `lib/auth/agents/agent-ports.ts`. */
import { and, desc, eq, getTableColumns, gt, isNull, lt, ne, or } from 'drizzle-orm';
import type { AgentTokenRecord, AgentTokenStore } from '@/lib/auth/agents/agent-ports';
import { withDatabaseErrors } from './database-errors';
import type { Direct } from './later';
import type { Db } from './open-database';
import { agentTokens, enrolmentCodes } from './schema';

type Writer = Pick<Db, 'insert' | 'update'>;

const { origin: _origin, ...tokenColumns } = getTableColumns(agentTokens);

/** Creates the store on an open database. */
export function createAgentTokenStore(db: Db): Direct<AgentTokenStore> {
  /** Makes the host's other tokens expire at this moment, unless they expire earlier. */
  function endOthers(tx: Writer, hostId: string, exceptId: string, at: number): void {
    const isLonger = or(isNull(agentTokens.expiresAt), gt(agentTokens.expiresAt, at));
    tx.update(agentTokens)
      .set({ expiresAt: at })
      .where(and(eq(agentTokens.hostId, hostId), ne(agentTokens.id, exceptId), isNull(agentTokens.revokedAt), isLonger))
      .run();
  }

  function add(tx: Writer, token: AgentTokenRecord, othersEndAt: number): void {
    endOthers(tx, token.hostId, token.id, othersEndAt);
    tx.insert(agentTokens).values(token).run();
  }

  const store: Direct<AgentTokenStore> = {
    token(id) {
      return db.select(tokenColumns).from(agentTokens).where(eq(agentTokens.id, id)).get() ?? null;
    },
    tokens(hostId) {
      return db
        .select(tokenColumns)
        .from(agentTokens)
        .where(and(isNull(agentTokens.revokedAt), hostId === undefined ? undefined : eq(agentTokens.hostId, hostId)))
        .orderBy(desc(agentTokens.createdAt))
        .all();
    },
    addToken(token, othersEndAt) {
      db.transaction((tx) => add(tx, token, othersEndAt), { behavior: 'immediate' });
    },
    useTokens(uses) {
      db.transaction(
        (tx) => {
          for (const { id, at, othersEndAt } of uses) {
            const [used] = tx
              .update(agentTokens)
              .set({ lastUsedAt: at })
              .where(eq(agentTokens.id, id))
              .returning({ hostId: agentTokens.hostId })
              .all();
            if (used && othersEndAt !== null) endOthers(tx, used.hostId, id, othersEndAt);
          }
        },
        { behavior: 'immediate' },
      );
    },
    revokeToken(id, at) {
      const open = and(eq(agentTokens.id, id), isNull(agentTokens.revokedAt));
      return db.update(agentTokens).set({ revokedAt: at }).where(open).run().changes === 1;
    },
    forgetEnded(before) {
      db.transaction(
        (tx) => {
          tx.delete(agentTokens)
            .where(or(lt(agentTokens.revokedAt, before), lt(agentTokens.expiresAt, before)))
            .run();
          tx.delete(enrolmentCodes)
            .where(or(lt(enrolmentCodes.usedAt, before), lt(enrolmentCodes.expiresAt, before)))
            .run();
        },
        { behavior: 'immediate' },
      );
    },

    code(codeHash) {
      return db.select().from(enrolmentCodes).where(eq(enrolmentCodes.codeHash, codeHash)).get() ?? null;
    },
    codes() {
      return db.select().from(enrolmentCodes).orderBy(desc(enrolmentCodes.createdAt)).all();
    },
    addCode(code) {
      db.insert(enrolmentCodes).values(code).run();
    },
    useCode(codeHash, token, othersEndAt) {
      return db.transaction(
        (tx) => {
          const { changes } = tx
            .update(enrolmentCodes)
            .set({ usedAt: token.createdAt, usedByHostId: token.hostId })
            .where(and(eq(enrolmentCodes.codeHash, codeHash), isNull(enrolmentCodes.usedAt)))
            .run();
          if (changes !== 1) return false;
          add(tx, token, othersEndAt);
          return true;
        },
        { behavior: 'immediate' },
      );
    },
    revokeCode(codeHash) {
      const open = and(eq(enrolmentCodes.codeHash, codeHash), isNull(enrolmentCodes.usedAt));
      return db.delete(enrolmentCodes).where(open).run().changes === 1;
    },
  };
  return withDatabaseErrors(store, db.$client.name);
}
