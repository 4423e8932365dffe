/** One attempt of a declared check. Never rejects. */
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { connect } from 'node:net';
import { plainText } from '@/lib/text/plain-text';
import type { Shell } from '../shell';
import { exitCodeOf } from '../shell';
import type { DeclaredCheck } from './check-config';

const MAX_REASON = 500;

/** `reason`: why it failed, or what it found. `lines`: what the program printed last. */
export interface Attempt {
  passed: boolean;
  reason: string;
  lines: readonly string[];
  tookMs: number;
}

export async function runCheck(check: DeclaredCheck, shell: Shell): Promise<Attempt> {
  const start = performance.now();
  const end = await attempt(check, shell);
  return {
    ...end,
    reason: plainText(shell.redact(end.reason), MAX_REASON),
    tookMs: Math.round(performance.now() - start),
  };
}

function attempt(check: DeclaredCheck, shell: Shell): Promise<Omit<Attempt, 'tookMs'>> {
  switch (check.kind) {
    case 'http':
      return askHttp(check);
    case 'tcp':
      return dialTcp(check);
    case 'command':
      return runProgram(check, shell);
  }
}

const passed = (reason = ''): Omit<Attempt, 'tookMs'> => ({ passed: true, reason, lines: [] });
const failed = (reason: string, lines: readonly string[] = []): Omit<Attempt, 'tookMs'> => ({
  passed: false,
  reason,
  lines,
});
const tooSlow = (timeout: number) => failed(`no answer within ${timeout} s`);

function askHttp({ url, status, timeout }: Extract<DeclaredCheck, { kind: 'http' }>) {
  return new Promise<Omit<Attempt, 'tookMs'>>((resolve) => {
    const request = (url.startsWith('https:') ? requestHttps : requestHttp)(
      url,
      { headers: { 'user-agent': 'nixfleet-agent' }, agent: false, signal: AbortSignal.timeout(timeout * 1_000) },
      (response) => {
        const found = response.statusCode ?? 0;
        // The status decides; a body may never end.
        response.destroy();
        resolve(found === status ? passed(`status ${found}`) : failed(`status ${found} instead of ${status}`));
      },
    );
    request.on('error', (error) => resolve(isTimeout(error) ? tooSlow(timeout) : failed(error.message)));
    request.end();
  });
}

function dialTcp({ host, port, timeout }: Extract<DeclaredCheck, { kind: 'tcp' }>) {
  return new Promise<Omit<Attempt, 'tookMs'>>((resolve) => {
    const socket = connect({ host, port, signal: AbortSignal.timeout(timeout * 1_000) });
    socket.on('connect', () => {
      socket.destroy();
      resolve(passed(`port ${port} accepts connections`));
    });
    socket.on('error', (error) => resolve(isTimeout(error) ? tooSlow(timeout) : failed(error.message)));
  });
}

const isTimeout = (error: Error) => error.name === 'AbortError' || error.name === 'TimeoutError';

async function runProgram({ command, timeout }: Extract<DeclaredCheck, { kind: 'command' }>, shell: Shell) {
  const [program = '', ...args] = command;
  const run = await shell.run(program, args, { quiet: true, timeoutMs: timeout * 1_000 });
  if (run.ok) return passed();
  if (run.end.kind === 'timed-out') return tooSlow(timeout);
  if (run.end.kind === 'not-started') return failed(run.end.problem);
  // A program that checks may say what it found on stdout alone.
  const why = run.cause?.text ?? run.last.findLast((line) => line.trim() !== '')?.trim() ?? '';
  return failed(`exit code ${exitCodeOf(run.end)}${why === '' ? '' : `: ${why}`}`, run.last);
}
