/** The real agent as a process, against the real gateways and database: how it fetches its token and stores it. */
import { readFileSync, statSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createTestServer, TOKEN, type TestServer } from '@/lib/edge/testing/test-server';
import { useAgentBundle } from './testing/agent-bench';
import { createHost, type TestHost } from './testing/host';
import { tokenFile } from './token';

let bundle = '';
let host: TestHost;
let server: TestServer;
let url: string;

useAgentBundle((path) => {
  bundle = path;
});
beforeEach(async () => {
  host = createHost();
  server = await createTestServer();
  url = `ws://127.0.0.1:${server.port}/ws`;
});
afterEach(async () => {
  await host.remove();
  await server.close();
});

const newCode = async (hostName: string | null = null) =>
  (await server.access.administration.createCode({ hostName, lifetimeMs: 3_600_000 }, server.by)) ?? '';
const identity = () => server.fleet.connectedAs('h1')?.kind ?? 'nobody';

it('fetches a token with its code, stores it for its user only, and connects with it from then on', async () => {
  const code = await newCode();
  const first = host.start(bundle, url, { NIXFLEET_TOKEN: '', NIXFLEET_ENROLMENT_CODE: code });
  await expect.poll(identity).toBe('host');
  const file = tokenFile(host.stateDir);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const { token } = JSON.parse(readFileSync(file, 'utf8')) as { token: string };
  expect(first.log() + first.stdout()).not.toContain(token);
  expect(first.log()).not.toContain(code);
  first.child.kill('SIGTERM');
  await first.exit;

  // The code is used: the agent connects with the stored token, even if another one is configured.
  host.start(bundle, url, { NIXFLEET_TOKEN: TOKEN, NIXFLEET_ENROLMENT_CODE: code });
  await expect.poll(identity).toBe('host');
});

it('--check shows which token the agent has, and does not use the code', async () => {
  const code = await newCode();
  const env = { NIXFLEET_TOKEN: '', NIXFLEET_ENROLMENT_CODE: code };
  const before = host.start(bundle, url, env, ['--check']);
  expect(await before.exit).toMatchObject({ code: 0 });
  expect(before.stdout()).toContain('to be fetched with the enrolment code');
  const agent = host.start(bundle, url, env);
  await expect.poll(identity).toBe('host');
  agent.child.kill('SIGTERM');
  await agent.exit;
  const after = host.start(bundle, url, env, ['--check']);
  expect(await after.exit).toMatchObject({ code: 0 });
  expect(after.stdout()).toContain(`this host's, in ${tokenFile(host.stateDir)}`);
  expect(after.stdout()).toContain('accepts the token');
});

it('uses the configured token when its code is refused, and logs the reason', async () => {
  const agent = host.start(bundle, url, {
    NIXFLEET_TOKEN: TOKEN,
    NIXFLEET_ENROLMENT_CODE: await newCode('another-host'),
  });
  await expect.poll(identity).toBe('shared');
  expect(agent.log()).toContain('This code is for another-host, not for h1.');
});

it('tries the configured token when the token of the host was revoked', async () => {
  const agent = host.start(bundle, url, { NIXFLEET_TOKEN: TOKEN, NIXFLEET_ENROLMENT_CODE: await newCode() });
  await expect.poll(identity).toBe('host');
  const [token] = server.access.administration.tokens();
  await server.access.administration.revokeToken(token?.id ?? '', server.by, true);
  await expect.poll(identity).toBe('shared');
  expect(agent.log()).toContain('trying the configured token next');
});

it('fetches a new token with a new code', async () => {
  const first = host.start(bundle, url, { NIXFLEET_TOKEN: '', NIXFLEET_ENROLMENT_CODE: await newCode('h1') });
  await expect.poll(identity).toBe('host');
  const [token] = server.access.administration.tokens();
  first.child.kill('SIGTERM');
  await first.exit;
  await server.access.administration.revokeToken(token?.id ?? '', server.by, true);
  host.start(bundle, url, { NIXFLEET_TOKEN: '', NIXFLEET_ENROLMENT_CODE: await newCode('h1') });
  await expect.poll(identity).toBe('host');
});
