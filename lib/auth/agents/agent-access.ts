/**
 * Agent access: identifies an agent by its token before reading anything from it, answers the fleet's questions about
 * admission, and manages tokens, codes and rules for the operator.
 */
import type { AgentTokenStore, SettingsStore } from './agent-ports';
import { createAgentRefusals } from './agent-refusals';
import type { AgentAdministration } from './agent-service';
import { loadAgentSettings, type AgentRuleName } from './agent-settings';
import { loadAgentTokens } from './agent-tokens';
import { equalSecrets } from '../encryption';
import { createEnrolment, type EnrolmentOptions } from './enrolment-codes';
import { createSafeRecorder } from '../event-recorder';
import type { WallClock, EventRecorder } from '../operator/auth-ports';
import type { Throttle } from '../throttle';
import { WorkQueue } from '@/lib/limits/work-queue';
import { byOperator, NOBODY } from '@/lib/fleet/events';
import type { CodedEvent } from '@/lib/fleet/events/event-table';
import type { AgentIdentity, AgentPolicy } from '@/lib/fleet/records/agent-port';
import type { FleetLog } from '@/lib/fleet/records/environment';
import type { Requester } from '@/lib/fleet/records/requests';

export type AgentIdentification =
  | { kind: 'known'; identity: AgentIdentity }
  /** The HTTP status of the refusal; with 429, how long the client should wait (ms). */
  | { kind: 'refused'; status: 401 | 429; retryAfterMs: number };

export type EnrolAnswer =
  | { kind: 'enrolled'; token: string; hostId: string }
  | { kind: 'refused'; status: 401 | 409 | 429 | 503; message: string; retryAfterMs: number };

export interface AgentAccess {
  policy: AgentPolicy;
  administration: AgentAdministration;
  /**
   * Identifies an agent by its Authorization header. A valid token is never refused because of its address, and waits
   * for no disk; the count of a wrong one is stored before the answer.
   */
  identify: (authorization: string | null | undefined, address: string) => Promise<AgentIdentification>;
  /** Exchanges an enrolment code for a host token. `hostName` is lower-case. */
  enrol: (code: string, hostName: string, address: string) => Promise<EnrolAnswer>;
  /** Forgets the tokens of hosts that were removed. */
  forgetHosts(hostIds: readonly string[]): void;
  /** Calls back after the answers to the fleet may have changed. */
  onChange(listener: () => void): void;
  /** Resolves when all changes asked for so far are stored or refused. */
  settled(): Promise<void>;
}

export interface AgentAccessOptions {
  store: AgentTokenStore;
  settings: SettingsStore;
  throttle: Throttle;
  now: WallClock;
  record: EventRecorder;
  log: FleetLog;
  /** Creates the enrolled host in the fleet if it does not exist. */
  enrolHost: EnrolmentOptions['enrolHost'];
  sharedToken: string;
  /** Version 1's hash secret for host tokens; null when not configured. */
  v1HashSecret: string | null;
  /** Rules set by the environment; null where it sets none. */
  rules: Readonly<Record<AgentRuleName, boolean | null>>;
}

type ChangeCode =
  | 'agent-token.created'
  | 'agent-token.revoked'
  | 'enrolment.created'
  | 'enrolment.revoked'
  | 'agents.rule'
  | 'host.refused';

/**
 * Reads tokens and rules, and answers from memory from then on: this process is the only one that changes them while it
 * holds the data folder. Rejects when the database can't be read.
 */
export async function createAgentAccess(options: AgentAccessOptions): Promise<AgentAccess> {
  const { store, now, log, sharedToken } = options;
  const record = createSafeRecorder(options.record, log);
  const listeners = new Set<() => void>();
  const changed = () => {
    for (const listener of listeners) listener();
  };
  const writes = new WorkQueue();
  const tokens = await loadAgentTokens({
    store,
    now,
    v1HashSecret: options.v1HashSecret,
    writes,
    onReplaced: changed,
  });
  const settings = await loadAgentSettings(options.settings, now, options.rules, writes);
  const enrolment = createEnrolment({
    store,
    now,
    tokens,
    writes,
    enrolHost: options.enrolHost,
    isRefused: (name) => settings.isRefused(name),
  });
  const refusals = createAgentRefusals(options.throttle, now, record);
  const revokingOpensHost = (id: string) => settings.rule('sharedToken').value && tokens.isLastHostToken(id);

  function recordChange(
    change: CodedEvent<ChangeCode>,
    by: Requester,
    host: { id: string; name: string } | null = null,
  ): Promise<void> {
    const about = host === null ? {} : { hostId: host.id, hostName: host.name };
    return record({ ...NOBODY, ...byOperator(by), at: now(), ...about, ...change });
  }

  async function identify(authorization: string | null | undefined, address: string): Promise<AgentIdentification> {
    const [, token] = /^Bearer +(\S.*)$/i.exec(authorization?.trim() ?? '') ?? [];
    if (token !== undefined && equalSecrets(token, sharedToken)) {
      if (settings.rule('sharedToken').value) return { kind: 'known', identity: { kind: 'shared' } };
      refusals.recordOnce(address, { action: 'agent.shared-token-refused', params: {} });
      return { kind: 'refused', status: 401, retryAfterMs: 0 };
    }
    const found = token === undefined ? null : tokens.find(token);
    if (found !== null) {
      tokens.used(found.id);
      return { kind: 'known', identity: { kind: 'host', hostId: found.hostId, tokenId: found.id } };
    }
    const waitMs = await refusals.count('agent-token', address);
    const params = { token: token === undefined ? 'none' : 'not-valid' } as const;
    refusals.recordOnce(address, { action: 'agent.refused', params });
    return { kind: 'refused', status: waitMs > 0 ? 429 : 401, retryAfterMs: waitMs };
  }

  async function enrol(code: string, hostName: string, address: string): Promise<EnrolAnswer> {
    const refused = (status: 401 | 409 | 429 | 503, message: string, retryAfterMs = 0): EnrolAnswer => ({
      kind: 'refused',
      status,
      message,
      retryAfterMs,
    });
    const outcome = await enrolment.enrol(code, hostName, address);
    switch (outcome.kind) {
      case 'enrolled':
        await settings.setRefused(hostName, false).catch((error: unknown) => {
          // The code is used up, so the agent must get its token.
          log.error({ err: error, hostName }, 'the refusal of an enrolled host could not be withdrawn');
        });
        changed();
        return outcome;
      case 'wrong-code': {
        const waitMs = await refusals.count('enrolment-code', address);
        refusals.recordOnce(address, { action: 'enrolment.refused', params: { why: 'wrong-code', hostName } });
        return waitMs > 0
          ? refused(429, 'Too many wrong codes from this address.', waitMs)
          : refused(401, 'This code is wrong, used or expired. Ask for a new one.');
      }
      case 'refused': {
        const { message } = outcome;
        refusals.recordOnce(address, { action: 'enrolment.refused', params: { why: 'not-allowed', message } });
        return refused(409, message);
      }
      case 'unavailable':
        return refused(503, outcome.message);
    }
  }

  return {
    identify,
    enrol,
    policy: {
      isStillValid: (identity) =>
        identity.kind === 'shared' ? settings.rule('sharedToken').value : tokens.isGood(identity.tokenId),
      hasOwnToken: (hostId) => tokens.hasHostToken(hostId),
      newHostsWait: () => settings.rule('approval').value,
      isRefused: (name) => settings.isRefused(name),
    },
    administration: {
      tokens: () =>
        tokens.good().map(({ id, hostId, scheme, createdAt, createdBy, lastUsedAt, expiresAt }) => ({
          id,
          hostId,
          isV1: scheme === 'v1-hmac',
          createdAt,
          createdBy,
          lastUsedAt,
          expiresAt,
        })),
      async issueToken(host, by) {
        const { token } = await tokens.issue(host.id, by.userName);
        const recorded = recordChange({ action: 'agent-token.created', params: {} }, by, host);
        changed();
        await recorded;
        return token;
      },
      revokingOpensHost,
      async revokeToken(id, by, isConfirmed) {
        // Asked again when the write is due: another token of the host may have been revoked meanwhile.
        const revoked = await tokens.revoke(id, (due) => isConfirmed || !revokingOpensHost(due));
        if (revoked === 'not-allowed') return 'unconfirmed';
        if (revoked === null) return 'none';
        const host = { id: revoked.hostId, name: revoked.hostId };
        const recorded = recordChange({ action: 'agent-token.revoked', params: {} }, by, host);
        changed();
        await recorded;
        return 'revoked';
      },
      codes: async () => (await enrolment.codes()).map(({ codeHash, ...code }) => ({ id: codeHash, ...code })),
      async createCode({ hostName, lifetimeMs }, by) {
        const code = await enrolment.create(hostName, lifetimeMs, by.userName);
        if (code !== null) {
          await recordChange({ action: 'enrolment.created', params: { hostName } }, by);
        }
        return code;
      },
      async revokeCode(id, by) {
        const revoked = await enrolment.revoke(id);
        if (revoked === null) return false;
        const { hostName } = revoked;
        await recordChange({ action: 'enrolment.revoked', params: { hostName } }, by);
        return true;
      },
      rule: (name) => settings.rule(name),
      async setRule(name, value, by) {
        if (!(await settings.setRule(name, value))) return false;
        const recorded = recordChange({ action: 'agents.rule', params: { rule: name, value } }, by);
        changed();
        await recorded;
        return true;
      },
      async refuseHost(name, by) {
        await settings.setRefused(name, true);
        const recorded = recordChange({ action: 'host.refused', params: { name } }, by);
        changed();
        await recorded;
      },
      allowHost: (name) => settings.setRefused(name, false),
    },
    forgetHosts(hostIds) {
      for (const hostId of hostIds) tokens.forgetHost(hostId);
    },
    onChange(listener) {
      listeners.add(listener);
    },
    settled: () => writes.settled(),
  };
}
