/**
 * Agent access: identifies an agent by its token before reading anything from it, answers the fleet's questions about
 * admission, and manages tokens, codes and rules for the operator.
 */
import type { AgentTokenStore, SettingsPort } from './agent-ports';
import { createAgentRefusals } from './agent-refusals';
import type { AgentAdministration } from './agent-service';
import { createAgentSettings, type AgentRuleName } from './agent-settings';
import { createAgentTokens } from './agent-tokens';
import { equalSecrets } from '../encryption';
import { createEnrolment, type EnrolmentOptions } from './enrolment-codes';
import type { WallClock, EventRecorder } from '../operator/auth-ports';
import type { Throttle } from '../throttle';
import type { AgentIdentity, AgentPolicy } from '@/lib/fleet/records/agent-port';
import type { Requester } from '@/lib/fleet/records/requests';

export type AgentIdentification =
  | { kind: 'known'; identity: AgentIdentity }
  /** The HTTP status of the refusal; with 429, how long the client should wait (ms). */
  | { kind: 'refused'; status: 401 | 429 | 503; retryAfterMs: number };

export type EnrolAnswer =
  | { kind: 'enrolled'; token: string; hostId: string }
  | { kind: 'refused'; status: 401 | 409 | 429 | 503; message: string; retryAfterMs: number };

export interface AgentAccess {
  policy: AgentPolicy;
  administration: AgentAdministration;
  /** Identifies an agent by its Authorization header. A valid token is never refused because of its address. */
  identify: (authorization: string | null | undefined, address: string) => AgentIdentification;
  /** Exchanges an enrolment code for a host token. `hostName` is lower-case. */
  enrol: (code: string, hostName: string, address: string) => EnrolAnswer;
  /** Calls back after the answers to the fleet may have changed. */
  onChange(listener: () => void): void;
}

export interface AgentAccessOptions {
  store: AgentTokenStore;
  settings: SettingsPort;
  throttle: Throttle;
  now: WallClock;
  record: EventRecorder;
  /** Creates the enrolled host in the fleet if it does not exist. */
  enrolHost: EnrolmentOptions['enrolHost'];
  sharedToken: string;
  /** Version 1's hash secret for host tokens; null when not configured. */
  v1HashSecret: string | null;
  /** Rules set by the environment; null where it sets none. */
  rules: Readonly<Record<AgentRuleName, boolean | null>>;
}

const RULE_SENTENCES: Record<AgentRuleName, (value: boolean) => string> = {
  sharedToken: (value) =>
    value ? 'The shared agent token is accepted again.' : 'The shared agent token is refused from now on.',
  approval: (value) =>
    value ? 'New hosts wait for approval from now on.' : 'New hosts are admitted without approval from now on.',
};

export function createAgentAccess(options: AgentAccessOptions): AgentAccess {
  const { store, now, record, sharedToken } = options;
  const tokens = createAgentTokens(store, now, options.v1HashSecret);
  const settings = createAgentSettings(options.settings, now, options.rules);
  const enrolment = createEnrolment({
    store,
    now,
    tokens,
    enrolHost: options.enrolHost,
    isRefused: (name) => settings.isRefused(name),
  });
  const refusals = createAgentRefusals(options.throttle, now, record);
  const listeners = new Set<() => void>();
  const changed = () => {
    for (const listener of listeners) listener();
  };

  function recordChange(
    action: string,
    message: string,
    by: Requester,
    host: { id: string; name: string } | null,
  ): void {
    record({
      at: now(),
      category: 'auth',
      level: 'info',
      action,
      actorKind: 'operator',
      actor: by.userName,
      userId: by.userId,
      address: by.address,
      hostId: host?.id ?? null,
      hostName: host?.name ?? '',
      commandId: null,
      outcome: 'done',
      message,
    });
  }

  /** A failure to store the use (a full disk) must not block a valid agent. */
  function rememberUse(found: NonNullable<ReturnType<typeof tokens.find>>): void {
    let othersEnded = false;
    try {
      othersEnded = tokens.used(found);
    } catch {
      return;
    }
    if (othersEnded) changed();
  }

  function identify(authorization: string | null | undefined, address: string): AgentIdentification {
    const [, token] = /^Bearer +(\S.*)$/i.exec(authorization?.trim() ?? '') ?? [];
    if (token !== undefined && equalSecrets(token, sharedToken)) {
      if (settings.rule('sharedToken').value) return { kind: 'known', identity: { kind: 'shared' } };
      const message = `An agent at ${address} was refused: it used the shared token, which is not accepted. Create a token for its host.`;
      refusals.recordOnce('agent.shared-token-refused', address, message);
      return { kind: 'refused', status: 401, retryAfterMs: 0 };
    }
    try {
      const found = token === undefined ? null : tokens.find(token);
      if (found !== null) {
        rememberUse(found);
        return { kind: 'known', identity: { kind: 'host', hostId: found.hostId, tokenId: found.id } };
      }
    } catch {
      return { kind: 'refused', status: 503, retryAfterMs: 0 };
    }
    const waitMs = refusals.count('agent-token', address);
    const message = `An agent at ${address} was refused: ${token === undefined ? 'it sent no token' : 'its token is wrong, expired or revoked'}. It keeps trying; this event is recorded once an hour.`;
    refusals.recordOnce('agent.refused', address, message);
    return { kind: 'refused', status: waitMs > 0 ? 429 : 401, retryAfterMs: waitMs };
  }

  function enrol(code: string, hostName: string, address: string): EnrolAnswer {
    const refused = (status: 401 | 409 | 429 | 503, message: string, retryAfterMs = 0): EnrolAnswer => ({
      kind: 'refused',
      status,
      message,
      retryAfterMs,
    });
    const outcome = enrolment.enrol(code, hostName, address);
    switch (outcome.kind) {
      case 'enrolled':
        settings.setRefused(hostName, false);
        changed();
        return outcome;
      case 'wrong-code': {
        const waitMs = refusals.count('enrolment-code', address);
        const message = `An enrolment of ${hostName} from ${address} was refused: its code is wrong, used or expired.`;
        refusals.recordOnce('enrolment.refused', address, message);
        return waitMs > 0
          ? refused(429, 'Too many wrong codes from this address.', waitMs)
          : refused(401, 'This code is wrong, used or expired. Ask for a new one.');
      }
      case 'refused':
        refusals.recordOnce(
          'enrolment.refused',
          address,
          `An enrolment from ${address} was refused. ${outcome.message}`,
        );
        return refused(409, outcome.message);
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
      issueToken(host, by) {
        const { token } = tokens.issue(host.id, by.userName);
        recordChange('agent-token.created', `A token was created for ${host.name}.`, by, host);
        changed();
        return token;
      },
      revokingOpensHost: (id) => settings.rule('sharedToken').value && tokens.isLastHostToken(id),
      revokeToken(id, by) {
        const revoked = tokens.revoke(id);
        if (revoked === null) return false;
        const host = { id: revoked.hostId, name: revoked.hostId };
        recordChange('agent-token.revoked', `A token of ${host.name} was revoked.`, by, host);
        changed();
        return true;
      },
      codes: () => enrolment.codes().map(({ codeHash, ...code }) => ({ id: codeHash, ...code })),
      createCode({ hostName, lifetimeMs }, by) {
        const code = enrolment.create(hostName, lifetimeMs, by.userName);
        if (code !== null) {
          recordChange('enrolment.created', `An enrolment code was created for ${hostName ?? 'any host'}.`, by, null);
        }
        return code;
      },
      revokeCode(id, by) {
        const revoked = enrolment.revoke(id);
        if (revoked === null) return false;
        recordChange(
          'enrolment.revoked',
          `An enrolment code for ${revoked.hostName ?? 'any host'} was revoked.`,
          by,
          null,
        );
        return true;
      },
      rule: (name) => settings.rule(name),
      setRule(name, value, by) {
        if (!settings.setRule(name, value)) return false;
        recordChange('agents.rule', RULE_SENTENCES[name](value), by, null);
        changed();
        return true;
      },
      refuseHost(name, by) {
        settings.setRefused(name, true);
        recordChange('host.refused', `${name} was refused.`, by, null);
        changed();
      },
      allowHost: (name) => settings.setRefused(name, false),
    },
    onChange(listener) {
      listeners.add(listener);
    },
  };
}
