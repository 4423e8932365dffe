/** Enrolment over HTTP: exchanges a code for a token. Every answer is JSON. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { hostNameOf } from '@/lib/protocol/agent/host-name';
import { limitKey } from '@/lib/limits/address-key';
import { readJson, retryAfter, sendJson, sendJsonRefusing } from '../http/json-http';
import { Share, ShareReleases } from '../http/request-shares';
import { RETRY_AFTER_S } from '../http/send-refusal';
import type { FleetLog } from '@/lib/fleet/records/environment';
import { ENROL_PATH, enrolRequestSchema, MAX_ENROL_BODY_BYTES } from '@/lib/protocol/http/enrolment';

/** Exchanges a code for a host token, or gives the reason for a refusal. `hostName` is lower-case. */
export type Enrol = (
  code: string,
  hostName: string,
  address: string,
) => Promise<
  | { kind: 'enrolled'; token: string; hostId: string }
  | { kind: 'refused'; status: number; message: string; retryAfterMs: number }
>;

/** An enrolment is one object with two strings. */
const BODY_LIMITS = { maxBytes: MAX_ENROL_BODY_BYTES, maxMs: 10_000, maxDepth: 4, maxValues: 32 };

/** Concurrent enrolments, by address: each lasts until its body has arrived. */
export const createEnrolmentShare = (): Share =>
  new Share({ id: 'enrolments', label: 'Enrolments in progress', maxEach: 8, maxTotal: 256 });

export interface EnrolOptions {
  enrolments: Share;
  enrol: Enrol;
  isStopping: () => boolean;
  log: FleetLog;
}

/** Answers everything below `/api/agents`; false when a request is for another path. */
export function createEnrolHandler({ enrolments, enrol, isStopping, log }: EnrolOptions) {
  const releases = new ShareReleases();

  async function answer(request: IncomingMessage, response: ServerResponse, path: string, address: string) {
    const refuse = (status: number, error: string, headers: Record<string, string> = {}) =>
      sendJsonRefusing(request, response, status, { error }, headers);
    if (path !== ENROL_PATH) {
      refuse(404, 'Not found.');
      return;
    }
    if (request.method !== 'POST') {
      refuse(405, 'Send the code with POST.', { allow: 'POST' });
      return;
    }
    if (isStopping()) {
      refuse(503, 'The dashboard is stopping. Try again in a moment.', { connection: 'close' });
      return;
    }
    const evicted = new AbortController();
    const part = enrolments.take(limitKey(address), () => evicted.abort());
    if (part === null) {
      refuse(
        429,
        'Too many enrolments from this network are in progress. Try again.',
        retryAfter(RETRY_AFTER_S * 1_000),
      );
      return;
    }
    releases.atEnd(request.socket, response, part.release);
    const body = await readJson(request, response, { ...BODY_LIMITS, signal: evicted.signal });
    part.settled();
    if (body.kind === 'too-large') {
      refuse(body.status, 'The request is too large.');
      return;
    }
    if (body.kind === 'too-slow') {
      refuse(body.status, 'The request took too long to arrive. Try again.');
      return;
    }
    const parsed = enrolRequestSchema.safeParse(body.kind === 'body' ? body.value : null);
    if (!parsed.success) {
      refuse(400, 'Send {"code": "…", "hostname": "…"} as JSON.');
      return;
    }
    const hostName = hostNameOf(parsed.data.hostname);
    if (hostName === null) {
      refuse(
        400,
        'This is not a valid host name: use letters, digits and hyphens, at most 63 characters, without a domain.',
      );
      return;
    }
    const result = await enrol(parsed.data.code, hostName, address);
    if (result.kind === 'refused') {
      refuse(result.status, result.message, retryAfter(result.retryAfterMs));
      return;
    }
    sendJson(response, 200, { token: result.token, host_id: result.hostId });
  }

  return (request: IncomingMessage, response: ServerResponse, address: string): boolean => {
    const path = (request.url ?? '/').split(/[?#]/, 1)[0] ?? '';
    if (!path.startsWith('/api/agents/') && path !== '/api/agents') return false;
    answer(request, response, path, address).catch((error: unknown) => {
      if (response.headersSent || request.destroyed) {
        response.destroy();
        return;
      }
      log.error({ err: error, address }, 'an enrolment failed');
      sendJson(response, 500, { error: 'The dashboard could not do this. The reason is in its log.' });
    });
    return true;
  };
}
