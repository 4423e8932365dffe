/**
 * Who may speak for which host: tells an agent by its token before anything of it is read, answers what the fleet asks
 * about admission, and keeps tokens, codes and rules for the operator.
 */
import type { AgentTokenStore, SettingsPort } from './agent-ports';
import { createAgentRefusals } from './agent-refusals';
import type { AgentAdministration } from './agent-service';
import { createAgentSettings, type AgentRuleName } from './agent-settings';
import { createAgentTokens } from './agent-tokens';
import { equalSecrets } from '../encryption';
import { createEnrolment, type EnrolmentOptions } from './enrolment-codes';
import type { Clock, EventRecorder } from '../operator/auth-ports';
import type { Throttle } from '../throttle';
import type { AgentIdentity, AgentPolicy } from '@/lib/fleet/records/agent-port';
import type { Requester } from '@/lib/fleet/records/requests';

export type AgentIdentification =
  | { kind: 'known'; identity: AgentIdentity }
  /** The answer is this status; with 429 the client should wait so long (ms). */
  | { kind: 'refused'; status: 401 | 429 | 503; retryAfterMs: number };

export type EnrolAnswer =
  | { kind: 'enrolled'; token: string; hostId: string }
  | { kind: 'refused'; status: 401 | 409 | 429 | 503; message: string; retryAfterMs: number };

export interface AgentAccess {
  policy: AgentPolicy;
  administration: AgentAdministration;
  /** Whose token an Authorization header carries. A good token is never refused because of its address. */
  identify: (authorization: string | null | undefined, address: string) => AgentIdentification;
  /** Gives a host a token of its own for an enrolment code. `hostName` is a host name, lower-case. */
  enrol: (code: string, hostName: string, address: string) => EnrolAnswer;
  /** Calls back after what the fleet was told may have changed. */
  onChange(listener: () => void): void;
}

export interface AgentAccessOptions {
  store: AgentTokenStore;
  settings: SettingsPort;
  throttle: Throttle;
  now: Clock;
  record: EventRecorder;
  /** Makes sure of an enrolled host in the fleet. */
  takeIn: EnrolmentOptions['takeIn'];
  sharedToken: string;
  /** Version 1's secret for its hosts' tokens; null where there is none. */
  v1HashSecret: string | null;
  /** Rules that the environment sets; null where it does not. */
  rules: Readonly<Record<AgentRuleName, boolean | null>>;
}

const RULE_WORDS: Record<AgentRuleName, (value: boolean) => string> = {
  sharedToken: (value) =>
    value ? 'The shared agent token is accepted again.' : 'The shared agent token is refused from now on.',
  approval: (value) =>
    value ? 'New hosts wait for approval from now on.' : 'New hosts are taken in without approval from now on.',
};

export function createAgentAccess(options: AgentAccessOptions): AgentAccess {
  const { store, now, record, sharedToken } = options;
  const tokens = createAgentTokens(store, now, options.v1HashSecret);
  const settings = createAgentSettings(options.settings, now, options.rules);
  const enrolment = createEnrolment({
    store,
    now,
    tokens,
    takeIn: options.takeIn,
    isRefused: (name) => settings.isRefused(name),
  });
  const refusals = createAgentRefusals(options.throttle, now, record);
  const listeners = new Set<() => void>();
  const changed = () => {
    for (const listener of listeners) listener();
  };

  function tellOf(action: string, message: string, by: Requester, host: { id: string; name: string } | null): void {
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

  /** A use that can't be remembered (a full disk) must not keep a good agent out. */
  function remembered(found: NonNullable<ReturnType<typeof tokens.find>>): void {
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
      const message = `An agent at ${address} came with the shared token, which is not accepted: give its host a token of its own.`;
      refusals.tell('agent.shared-token-refused', address, message);
      return { kind: 'refused', status: 401, retryAfterMs: 0 };
    }
    try {
      const found = token === undefined ? null : tokens.find(token);
      if (found !== null) {
        remembered(found);
        return { kind: 'known', identity: { kind: 'host', hostId: found.hostId, tokenId: found.id } };
      }
    } catch {
      return { kind: 'refused', status: 503, retryAfterMs: 0 };
    }
    const waitMs = refusals.count('agent-token', address);
    const message = `An agent at ${address} was refused: it came ${token === undefined ? 'without a token' : 'with a wrong, ended or revoked token'}. It goes on trying; this is said once an hour.`;
    refusals.tell('agent.refused', address, message);
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
        const message = `A wrong, used or expired enrolment code came from ${address}, for ${hostName}.`;
        refusals.tell('enrolment.refused', address, message);
        return waitMs > 0
          ? refused(429, 'Too many wrong codes from this address.', waitMs)
          : refused(401, 'This code is wrong, was used or has expired: ask for a new one.');
      }
      case 'refused':
        refusals.tell('enrolment.refused', address, `An enrolment from ${address} was refused. ${outcome.message}`);
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
      hasOwnToken: (hostId) => tokens.hasOwn(hostId),
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
        tellOf('agent-token.created', `A token was made for ${host.name}.`, by, host);
        changed();
        return token;
      },
      revokingOpensHost: (id) => settings.rule('sharedToken').value && tokens.isLastOwn(id),
      revokeToken(id, by) {
        const revoked = tokens.revoke(id);
        if (revoked === null) return false;
        const host = { id: revoked.hostId, name: revoked.hostId };
        tellOf('agent-token.revoked', `A token of ${host.name} was revoked.`, by, host);
        changed();
        return true;
      },
      codes: () => enrolment.codes().map(({ codeHash, ...code }) => ({ id: codeHash, ...code })),
      createCode({ hostName, lifetimeMs }, by) {
        const code = enrolment.create(hostName, lifetimeMs, by.userName);
        if (code !== null) {
          tellOf('enrolment.created', `An enrolment code was made for ${hostName ?? 'any host'}.`, by, null);
        }
        return code;
      },
      revokeCode(id, by) {
        const revoked = enrolment.revoke(id);
        if (revoked === null) return false;
        tellOf('enrolment.revoked', `An enrolment code for ${revoked.hostName ?? 'any host'} was revoked.`, by, null);
        return true;
      },
      rule: (name) => settings.rule(name),
      setRule(name, value, by) {
        if (!settings.setRule(name, value)) return false;
        tellOf('agents.rule', RULE_WORDS[name](value), by, null);
        changed();
        return true;
      },
      refuseHost(name, by) {
        settings.setRefused(name, true);
        tellOf('host.refused', `${name} was refused.`, by, null);
        changed();
      },
      allowHost: (name) => settings.setRefused(name, false),
    },
    onChange(listener) {
      listeners.add(listener);
    },
  };
}
