/**
 * The token that the agent connects with: the host token, which it fetched with an enrolment code and stored in its
 * state folder, else the configured token. If one is refused and the other exists, the other is tried next.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { plainText } from '@/lib/text/plain-text';
import type { AgentConfig } from './config';
import type { AgentLog } from './log';
import { readStateFile, writeStateFile } from './state-file';
import { ENROL_PATH, enrolErrorSchema, enrolledSchema, type EnrolRequest } from '@/lib/protocol/http/enrolment';

const ENROL_TIMEOUT_MS = 10_000;
/** A code that the dashboard refused is not tried again for this long. */
const REFUSED_PAUSE_MS = 5 * 60_000;

const storedSchema = z.object({
  token: z.string().regex(/^[\x21-\x7e]+$/),
  /** SHA-256 of the code that it was fetched with: a new code in the configuration means a new token. */
  codeHash: z.string(),
});
type StoredToken = z.infer<typeof storedSchema>;

export interface TokenSource {
  /** The token to connect with, fetched first if there is none yet. Rejects with a sentence when that fails. */
  get: () => Promise<string>;
  /** The dashboard refused the last token. */
  refused: () => void;
}

export interface TokenOptions {
  config: Pick<AgentConfig, 'url' | 'token' | 'enrolmentCode' | 'hostname' | 'stateDir'>;
  log: AgentLog;
  /** Called with a token that was unknown at the start, so that no log shows it. */
  onSecret: (token: string) => void;
}

const hashOf = (code: string): string => createHash('sha256').update(code).digest('hex');
export const tokenFile = (stateDir: string): string => join(stateDir, 'token.json');

/** The token in the state folder; null when there is none, or the configuration has a newer code. */
export function storedToken(config: TokenOptions['config']): string | null {
  const stored = readStateFile(tokenFile(config.stateDir), storedSchema);
  if (stored === null) return null;
  return config.enrolmentCode === '' || stored.codeHash === hashOf(config.enrolmentCode) ? stored.token : null;
}

export function createTokenSource({ config, log, onSecret }: TokenOptions): TokenSource {
  let hostToken = storedToken(config);
  let prefersConfigured = false;
  /** `performance.now()`: setting the clock must not make the pause longer. */
  let pausedUntil = 0;
  if (hostToken !== null) onSecret(hostToken);

  async function fetched(): Promise<string> {
    const token = await enrol(config);
    const stored: StoredToken = { token, codeHash: hashOf(config.enrolmentCode) };
    onSecret(token);
    hostToken = token;
    try {
      writeStateFile(tokenFile(config.stateDir), stored);
      log.info(`fetched a token for this host and stored it in ${tokenFile(config.stateDir)}`);
    } catch (error) {
      log.error(
        `could not store the token of this host in ${tokenFile(config.stateDir)} (${error instanceof Error ? error.message : 'unknown reason'}): it works until the agent ends, then a new code is needed`,
      );
    }
    return token;
  }

  return {
    async get() {
      if (hostToken !== null && !(prefersConfigured && config.token !== '')) return hostToken;
      if (hostToken === null && config.enrolmentCode !== '' && performance.now() >= pausedUntil) {
        try {
          return await fetched();
        } catch (error) {
          if (error instanceof EnrolmentRefused) pausedUntil = performance.now() + REFUSED_PAUSE_MS;
          if (config.token === '') throw error;
          log.warn(`${error instanceof Error ? error.message : 'enrolment failed'}; using the configured token`);
        }
      }
      if (config.token === '')
        throw new Error(
          'the enrolment code was refused: set NIXFLEET_ENROLMENT_CODE to a new one, and restart the agent',
        );
      return config.token;
    },
    refused() {
      if (hostToken === null || config.token === '') return;
      prefersConfigured = !prefersConfigured;
      log.warn(
        prefersConfigured
          ? 'the token of this host was refused: trying the configured token next'
          : 'the configured token was refused: trying the token of this host next',
      );
    },
  };
}

/** The dashboard refused the code: trying again at once would change nothing. */
class EnrolmentRefused extends Error {
  override readonly name = 'EnrolmentRefused';
}

async function enrol({ url, enrolmentCode, hostname }: TokenOptions['config']): Promise<string> {
  const address = httpAddress(url, ENROL_PATH);
  const body: EnrolRequest = { code: enrolmentCode, hostname };
  let response: Response;
  let json: unknown;
  try {
    response = await fetch(address, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      redirect: 'manual',
      signal: AbortSignal.timeout(ENROL_TIMEOUT_MS),
    });
    json = await response.json().catch(() => null);
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new Error(
      `the dashboard can't be reached to enrol (${cause instanceof Error ? plainText(cause.message, 200) : 'unknown reason'})`,
      { cause: error },
    );
  }
  const enrolled = enrolledSchema.safeParse(json);
  if (response.status === 200 && enrolled.success) return enrolled.data.token;
  const failure = enrolErrorSchema.safeParse(json);
  const reason = failure.success ? plainText(failure.data.error, 300) : 'it gave no reason';
  const sentence = `the dashboard did not enrol this host (${response.status}): ${reason}`;
  throw response.status < 500 && response.status !== 429 ? new EnrolmentRefused(sentence) : new Error(sentence);
}

/** An HTTP address of the dashboard, derived from its agent socket. */
export function httpAddress(socketUrl: string, path: string): string {
  const url = new URL(socketUrl);
  url.protocol = url.protocol === 'ws:' ? 'http:' : 'https:';
  url.pathname = `${url.pathname.replace(/\/ws(\/agent)?\/?$/, '').replace(/\/$/, '')}${path}`;
  url.search = '';
  return url.href;
}
