/**
 * The desired state from a version.json, as a workflow of the configuration repository publishes it:
 * `{gitCommit, message, branch, timestamp, repo, lockHash}`.
 */
import { z } from 'zod';
import { plainText } from '@/lib/text/plain-text';
import { COMMIT_PREFIX } from '@/lib/git/commit-id';
import { basicAuthorization, commitPage, safeAddress, shownAddress } from '@/lib/git/repository-address';
import type { FetchedState, FetchOutcome, DesiredStateSource } from './source';

export const FEED_TIMEOUT_MS = 10_000;
export const MAX_FEED_BYTES = 256 * 1024;
const MAX_REDIRECTS = 5;
const MAX_MESSAGE = 500;

const SHA256 = /^[0-9a-f]{64}$/;

const text = z
  .string()
  .nullish()
  .transform((value) => plainText(value ?? ''));

const versionSchema = z.object({
  gitCommit: text,
  // Only its first line is used, so line endings must be kept here.
  message: z.string().nullish(),
  branch: text,
  timestamp: text,
  repo: text,
  lockHash: text,
});

const TIMESTAMP = z.iso.datetime({ offset: true });

/** Parses a version.json. A missing commit is a failure; any other missing field is a hint. */
export function parseVersionFile(body: string, shownUrl: string): FetchOutcome {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return failed(`The version feed ${shownUrl} is not JSON: check that NIXFLEET_VERSION_URL leads to version.json.`);
  }
  const parsed = versionSchema.safeParse(json);
  if (!parsed.success) {
    const fields = parsed.error.issues.map((issue) => issue.path.join('.') || 'the whole file').join(', ');
    return failed(
      `The version feed ${shownUrl} has values of the wrong type (${plainText(fields, 200)}): ` +
        'every field must be text; correct the workflow that writes version.json.',
    );
  }
  const file = parsed.data;
  const commit = file.gitCommit.toLowerCase();
  if (!COMMIT_PREFIX.test(commit)) {
    const what = commit === '' ? 'no gitCommit' : `the gitCommit "${plainText(commit, 80)}", which is not a commit id`;
    return failed(`The version feed ${shownUrl} has ${what}: correct the workflow that writes version.json.`);
  }
  const hints: string[] = [];
  let lockHash = file.lockHash.toLowerCase();
  if (lockHash === '') {
    hints.push(
      'The version feed has no lockHash, so the lock of hosts cannot be checked: ' +
        'have the workflow add the SHA-256 of flake.lock to version.json.',
    );
  } else if (!SHA256.test(lockHash)) {
    hints.push(
      'The lockHash of the version feed is not a SHA-256 in hex: have the workflow write `sha256sum flake.lock`.',
    );
    lockHash = '';
  }
  let committedAt: number | null = null;
  if (TIMESTAMP.safeParse(file.timestamp).success) committedAt = Date.parse(file.timestamp);
  else if (file.timestamp !== '') {
    hints.push('The timestamp of the version feed is not of the form 2026-01-31T12:00:00Z (RFC 3339).');
  }
  const answer: FetchedState = {
    branch: file.branch,
    commit,
    message: plainText(file.message?.trimStart().split('\n')[0] ?? '', MAX_MESSAGE),
    committedAt,
    lockHash,
    commitUrl: commitPage(file.repo, commit),
    hint: hints.length > 0 ? hints.join(' ') : null,
  };
  return { kind: 'ok', answer };
}

function failed(message: string): FetchOutcome {
  return { kind: 'failed', message };
}

/** The problem of an answer, as part of a sentence. Thrown inside this file only. */
class FeedFault extends Error {}

/** A feed at an http(s) URL. Credentials in the URL are sent as a header, to that origin only. */
export function createFeedSource(address: string): DesiredStateSource {
  const { url, login } = safeAddress(address);
  const shown = shownAddress(address);
  let kept: { etag: string | null; modified: string | null; answer: FetchedState } | null = null;

  async function request(signal: AbortSignal): Promise<Response> {
    const start = new URL(url);
    let target = start;
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
      const headers = new Headers({ accept: 'application/json', 'user-agent': 'nixfleet' });
      if (login !== null && target.origin === start.origin) headers.set('authorization', basicAuthorization(login));
      if (kept?.etag != null) headers.set('if-none-match', kept.etag);
      if (kept?.modified != null) headers.set('if-modified-since', kept.modified);
      const response = await fetch(target, { headers, redirect: 'manual', signal });
      const location = response.headers.get('location');
      if (response.status < 300 || response.status === 304 || response.status >= 400 || location === null) {
        return response;
      }
      await response.body?.cancel();
      if (!URL.canParse(location, target)) throw new FeedFault('redirects to an invalid address');
      const next = new URL(location, target);
      if (next.protocol !== target.protocol) {
        // A redirect from https to http could be answered by an attacker.
        throw new FeedFault(`redirects from ${target.protocol.slice(0, -1)} to ${next.protocol.slice(0, -1)}`);
      }
      target = next;
    }
    throw new FeedFault(`redirects more than ${MAX_REDIRECTS} times`);
  }

  async function answerOf(signal: AbortSignal): Promise<FetchOutcome> {
    const response = await request(signal);
    if (response.status === 304 && kept !== null) return { kind: 'ok', answer: kept.answer };
    if (response.status !== 200) {
      await response.body?.cancel();
      throw new FeedFault(`answered with HTTP status ${response.status}`);
    }
    const outcome = parseVersionFile(await boundedText(response), shown);
    kept =
      outcome.kind === 'ok'
        ? {
            etag: response.headers.get('etag'),
            modified: response.headers.get('last-modified'),
            answer: outcome.answer,
          }
        : null;
    return outcome;
  }

  return {
    kind: 'feed',
    branch: '',
    compare: null,
    async fetch(signal) {
      const timeout = AbortSignal.timeout(FEED_TIMEOUT_MS);
      try {
        return await answerOf(AbortSignal.any([signal, timeout]));
      } catch (error) {
        if (timeout.aborted) return failed(sentence(shown, `did not answer within ${FEED_TIMEOUT_MS / 1000} s`));
        if (error instanceof FeedFault) return failed(sentence(shown, error.message));
        return failed(sentence(shown, `cannot be reached (${reasonOf(error)})`));
      }
    },
  };
}

function sentence(shown: string, problem: string): string {
  return `The version feed ${shown} ${problem}: check NIXFLEET_VERSION_URL and whether this machine can reach it.`;
}

/** Only the system's code of a network error, because its message can contain the whole URL. */
function reasonOf(error: unknown): string {
  const cause: unknown = error instanceof Error ? (error.cause ?? error) : error;
  if (cause instanceof Error) return 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.name;
  return 'unknown reason';
}

async function boundedText(response: Response): Promise<string> {
  if (response.body === null) return '';
  const reader = response.body.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    size += part.value.byteLength;
    if (size > MAX_FEED_BYTES) {
      await reader.cancel();
      throw new FeedFault(`is larger than ${MAX_FEED_BYTES / 1024} KiB`);
    }
    chunks.push(part.value);
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}
