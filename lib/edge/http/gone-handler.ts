/** Answers addresses of earlier dashboards with 410, before Next and before their bodies are read. */
import type { IncomingMessage } from 'node:http';
import type { HttpOptions } from './http';
import { goneAddress, goneSentence, type GoneAddress } from './gone-addresses';
import { sendJsonRefusing } from './json-http';
import type { RequestCounts } from './request-counts';
import { targetProblem } from './request-line';
import type { FleetLog } from '@/lib/fleet/records/environment';

export const GONE_STATUS = 410;

export interface GoneOptions {
  counts: RequestCounts;
  log: FleetLog;
}

export function createGoneHandler({ counts, log }: GoneOptions): HttpOptions['machineEndpoints'][number] {
  return (request, response, address) => {
    const gone = goneFor(request);
    if (gone === null) return false;
    recordGone(gone, address, { counts, log });
    sendJsonRefusing(request, response, GONE_STATUS, { error: goneSentence(gone) }, {}, counts.addBodyBytes);
    return true;
  };
}

/** Counts a request for an address of an earlier dashboard, and logs where it came from. */
export function recordGone({ pattern }: GoneAddress, address: string, { counts, log }: GoneOptions): void {
  counts.refused('gone');
  // Only the pattern: the rest of the request's address is the client's text.
  log.info({ address, path: pattern }, 'a request used an address of an earlier version');
}

function goneFor({ method = '', url = '', headers }: IncomingMessage): GoneAddress | null {
  // An action of a page that is open, and an agent whose proxy dropped the upgrade, get their usual answers.
  if (headers['next-action'] !== undefined || (url.startsWith('/ws') && headers.authorization !== undefined))
    return null;
  return targetProblem(url) === null ? goneAddress(method, url) : null;
}
