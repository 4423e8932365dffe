/** The measured production server, with its data folder. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hash } from '@node-rs/bcrypt';
import { SERVER_COMMAND } from '../server-command.mjs';
import { Server } from './child';
import type { Target } from './latency';

const HEALTH_TIMEOUT_MS = 30_000;
const HEALTH_INTERVAL_MS = 5;
const BCRYPT_COST = 4;
const PASSWORD = 'a password for the bench alone';

export interface Started {
  server: Server;
  /** Milliseconds from the start of the process until /health answers 200. */
  startMs: number;
}

export async function startBenchDashboard(dataDir: string): Promise<Started> {
  const from = performance.now();
  const server = await Server.start(SERVER_COMMAND, {
    NODE_ENV: 'production',
    NIXFLEET_LISTEN: '127.0.0.1:0',
    NIXFLEET_DATA_DIR: dataDir,
    NIXFLEET_PASSWORD_HASH: await hash(PASSWORD, { cost: BCRYPT_COST }),
    NIXFLEET_LOG_LEVEL: 'info',
  });
  try {
    while (!(await isHealthy(server))) {
      if (performance.now() - from > HEALTH_TIMEOUT_MS) throw new Error('/health did not answer 200 in time');
      await new Promise((resolve) => setTimeout(resolve, HEALTH_INTERVAL_MS));
    }
  } catch (error) {
    await server.stop();
    throw error;
  }
  return { server, startMs: performance.now() - from };
}

async function isHealthy(server: Server): Promise<boolean> {
  return fetch(`${server.http}/health`).then(
    (response) => response.status === 200,
    () => false,
  );
}

/** Signs in, and reads the agent token that the dashboard created. */
export async function signInToBench(server: Server, dataDir: string): Promise<Target> {
  const token = readFileSync(join(dataDir, 'secrets', 'agent-token'), 'utf8').trim();
  return { server, token, cookie: await signIn(server, PASSWORD) };
}

/** Signs in as the sign-in page does, without a second factor. Gives the session's cookie. */
export async function signIn(server: Server, password: string): Promise<string> {
  const csrf = await fetch(`${server.http}/api/auth/csrf`);
  const content: unknown = await csrf.json();
  const csrfToken =
    typeof content === 'object' && content !== null && 'csrfToken' in content ? String(content.csrfToken) : '';
  const answer = await fetch(`${server.http}/api/auth/callback/credentials`, {
    method: 'POST',
    redirect: 'manual',
    headers: { Cookie: cookiesOf(csrf).join('; '), Origin: server.http },
    body: new URLSearchParams({ csrfToken, password, code: '', json: 'true' }),
  });
  const session = cookiesOf(answer).find((cookie) => cookie.startsWith('nixfleet.session='));
  if (session === undefined) throw new Error(`signing in failed: ${answer.status} ${await answer.text()}`);
  return session;
}

/** Name and value of each cookie that an answer sets. */
function cookiesOf(response: Response): string[] {
  return response.headers.getSetCookie().map((cookie) => cookie.split(';', 1)[0] ?? '');
}
