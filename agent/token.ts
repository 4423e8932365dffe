/**
 * Which token the agent dials with: the one of its own that it fetched with an enrolment code and keeps in its state
 * folder, else the configured one. A refused one gives way to the other, where there are both.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { plainText } from '@/lib/text/plain-text';
import type { AgentConfig } from './config';
import type { Log } from './log';
import { readStateFile, writeStateFile } from './state-file';
import { ENROL_PATH, enrolErrorSchema, enrolledSchema, type EnrolRequest } from '@/lib/protocol/http/enrolment';

const ENROL_TIMEOUT_MS = 10_000;
/** A code that the dashboard refused is not tried again for this long. */
const REFUSED_PAUSE_MS = 5 * 60_000;

const storedSchema = z.object({
  token: z.string().regex(/^[\x21-\x7e]+$/),
  /** SHA-256 of the code that it was fetched with: another code in the configuration means another token. */
  codeHash: z.string(),
});
type StoredToken = z.infer<typeof storedSchema>;

export interface TokenSource {
  /** The token to dial with; fetches it first where there is none yet. Rejects with a sentence when it can't be had now. */
  get: () => Promise<string>;
  /** The dashboard refused the token that was given last. */
  refused: () => void;
}

export interface TokenOptions {
  config: Pick<AgentConfig, 'url' | 'token' | 'enrolmentCode' | 'hostname' | 'stateDir'>;
  log: Log;
  /** Called with a token that was not known at the start, so that no log shows it. */
  onSecret: (token: string) => void;
  now?: () => number;
}

const hashOf = (code: string): string => createHash('sha256').update(code).digest('hex');
export const tokenFile = (stateDir: string): string => join(stateDir, 'token.json');

/** The token in the state folder; null when there is none, or the configuration has a newer code. */
export function storedToken(config: TokenOptions['config']): string | null {
  const stored = readStateFile(tokenFile(config.stateDir), storedSchema);
  if (stored === null) return null;
  return config.enrolmentCode === '' || stored.codeHash === hashOf(config.enrolmentCode) ? stored.token : null;
}

export function createTokenSource({ config, log, onSecret, now = Date.now }: TokenOptions): TokenSource {
  let own = storedToken(config);
  let prefersConfigured = false;
  let pausedUntil = 0;
  if (own !== null) onSecret(own);

  async function fetched(): Promise<string> {
    const token = await enrol(config);
    const stored: StoredToken = { token, codeHash: hashOf(config.enrolmentCode) };
    onSecret(token);
    own = token;
    try {
      writeStateFile(tokenFile(config.stateDir), stored);
      log.info(`this host has a token of its own now; it is kept in ${tokenFile(config.stateDir)}`);
    } catch (error) {
      log.error(
        `the token of this host could not be kept in ${tokenFile(config.stateDir)} (${error instanceof Error ? error.message : 'unknown reason'}): it is good until the agent ends, then a new code is needed`,
      );
    }
    return token;
  }

  return {
    async get() {
      if (own !== null && !(prefersConfigured && config.token !== '')) return own;
      if (own === null && config.enrolmentCode !== '' && now() >= pausedUntil) {
        try {
          return await fetched();
        } catch (error) {
          if (error instanceof EnrolmentRefused) pausedUntil = now() + REFUSED_PAUSE_MS;
          if (config.token === '') throw error;
          log.warn(`${error instanceof Error ? error.message : 'enrolment failed'}; the configured token is used`);
        }
      }
      if (config.token === '')
        throw new Error(
          'the enrolment code was refused: set NIXFLEET_ENROLMENT_CODE to a new one, and restart the agent',
        );
      return config.token;
    },
    refused() {
      if (own === null || config.token === '') return;
      prefersConfigured = !prefersConfigured;
      log.warn(
        prefersConfigured
          ? 'the own token of this host was refused: the configured one is tried next'
          : 'the configured token was refused: the own one of this host is tried next',
      );
    },
  };
}

/** The dashboard answered, and said no: trying again at once would change nothing. */
class EnrolmentRefused extends Error {
  override readonly name = 'EnrolmentRefused';
}

async function enrol({ url, enrolmentCode, hostname }: TokenOptions['config']): Promise<string> {
  const address = httpAddress(url, ENROL_PATH);
  const body: EnrolRequest = { code: enrolmentCode, hostname };
  let answer: Response;
  let json: unknown;
  try {
    answer = await fetch(address, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      redirect: 'manual',
      signal: AbortSignal.timeout(ENROL_TIMEOUT_MS),
    });
    json = await answer.json().catch(() => null);
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new Error(
      `the dashboard can't be reached to enrol (${cause instanceof Error ? plainText(cause.message, 200) : 'unknown reason'})`,
      { cause: error },
    );
  }
  const enrolled = enrolledSchema.safeParse(json);
  if (answer.status === 200 && enrolled.success) return enrolled.data.token;
  const said = enrolErrorSchema.safeParse(json);
  const why = said.success ? plainText(said.data.error, 300) : 'it gave no reason';
  const sentence = `the dashboard did not enrol this host (${answer.status}): ${why}`;
  throw answer.status < 500 && answer.status !== 429 ? new EnrolmentRefused(sentence) : new Error(sentence);
}

/** An address of the dashboard over HTTP: beside the agents' socket. */
export function httpAddress(socketUrl: string, path: string): string {
  const url = new URL(socketUrl);
  url.protocol = url.protocol === 'ws:' ? 'http:' : 'https:';
  url.pathname = `${url.pathname.replace(/\/ws(\/agent)?\/?$/, '').replace(/\/$/, '')}${path}`;
  url.search = '';
  return url.href;
}
