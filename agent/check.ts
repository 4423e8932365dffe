/** `--check`: shows the configuration, and checks that the dashboard answers and accepts the token. */
import { homedir } from 'node:os';
import { WebSocket } from 'ws';
import { hostNameProblem, type AgentConfig } from './config';
import { HANDSHAKE_TIMEOUT_MS } from './connection';
import { childEnvironment } from './machine';
import { createRootHelper } from './nixos/root-helper';
import { readPolicy } from './policy/policy-file';
import { policySentence } from './policy/policy-report';
import { splitRepositoryAddress } from './redact';
import { createShell } from './shell';
import { httpAddress, storedToken, tokenFile } from './token';

const HEALTH_TIMEOUT_MS = 10_000;

/** Writes its results line by line; true when an agent with this configuration could connect. */
export async function checkConfiguration(config: AgentConfig, write: (line: string) => void): Promise<boolean> {
  const stored = storedToken(config);
  const shown: [string, string][] = [
    ['dashboard', config.url],
    ['token', describeToken(config, stored)],
    ['host', `${config.hostname} (${config.hostType})`],
    ['repository', splitRepositoryAddress(config.repoUrl).url || 'none: you maintain the checkout'],
    ['folder', config.repoDir],
    ['branch', config.branch],
    ['flake', describeFlake(config)],
    ['SSH key', config.sshKey || 'none'],
    ['heartbeat', `every ${config.intervalS} s`],
    ['location', config.location],
    ['device', config.deviceType],
    ['state', config.stateDir],
    ['log level', config.logLevel],
  ];
  for (const [name, value] of shown) write(`${name.padEnd(12)} ${value}`);
  const nameProblem = hostNameProblem(config.hostname);
  if (nameProblem !== null) write(`${'name'.padEnd(12)} ${nameProblem}`);
  const policy = readPolicy(config.policyFile, [config.stateDir, config.repoDir]);
  write(`${'policy'.padEnd(12)} ${policySentence(policy)}`);
  const token = stored ?? config.token;
  const health = await checkHealth(config.url);
  if (config.hostType === 'nixos') write(`${'switches'.padEnd(12)} ${await describeSwitches(config)}`);
  write(`${'health'.padEnd(12)} ${health.text}`);
  // A code works once: the agent itself needs it.
  const socket = token === '' ? NOT_TRIED : await checkSocket(config.url, token);
  write(`${'socket'.padEnd(12)} ${socket.text}`);
  return nameProblem === null && policy.kind !== 'unreadable' && health.ok && socket.ok;
}

function describeFlake({ flakeAttribute, flakeDir, submodules, hostname, machineName }: AgentConfig): string {
  const names = machineName === '' || machineName === hostname ? hostname : `${hostname}, or ${machineName}`;
  return [
    `attribute ${flakeAttribute || names}`,
    `in ${flakeDir || 'the root'}`,
    ...(submodules ? ['with submodules'] : []),
  ].join(', ');
}

/** Who makes switches: without nixfleet-root the agent calls nixos-rebuild. */
async function describeSwitches({ rootHelper }: AgentConfig): Promise<string> {
  if (rootHelper === '') return 'by nixos-rebuild (NIXFLEET_ROOT_HELPER is none)';
  const env = childEnvironment(process.env, homedir());
  const shell = createShell({ cwd: () => '/', env, say: () => undefined });
  const problem = await createRootHelper(rootHelper).problem(shell);
  return problem === null ? `by ${rootHelper}` : `by nixos-rebuild: ${problem}`;
}

interface CheckResult {
  ok: boolean;
  text: string;
}

const NOT_TRIED: CheckResult = { ok: true, text: 'not tried: the agent fetches its token at its first start' };

function describeToken(config: AgentConfig, stored: string | null): string {
  if (stored !== null) return `this host's, in ${tokenFile(config.stateDir)}`;
  const configured = config.token === '' ? '' : `set (${config.token.length} characters)`;
  if (config.enrolmentCode === '') return configured;
  return `to be fetched with the enrolment code${configured === '' ? '' : `; until then: ${configured}`}`;
}

async function checkHealth(socketUrl: string): Promise<CheckResult> {
  const address = httpAddress(socketUrl, '/health');
  try {
    const response = await fetch(address, { redirect: 'manual', signal: AbortSignal.timeout(HEALTH_TIMEOUT_MS) });
    await response.body?.cancel();
    if (response.ok) return { ok: true, text: `${address} answers ${response.status}` };
    const where = response.headers.get('location');
    return {
      ok: false,
      text: `${address} answers ${response.status}${where === null ? '' : `, a redirect to ${where}: use that address in NIXFLEET_URL`}`,
    };
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return {
      ok: false,
      text: `${address} can't be reached (${cause instanceof Error ? cause.message : 'unknown reason'})`,
    };
  }
}

function checkSocket(url: string, token: string): Promise<CheckResult> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url, {
      headers: { Authorization: `Bearer ${token}` },
      perMessageDeflate: false,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    });
    socket.on('open', () => {
      resolve({ ok: true, text: 'opened: the dashboard accepts the token' });
      socket.close(1000, 'check');
    });
    socket.on('unexpected-response', (_request, response) => {
      const status = response.statusCode ?? 0;
      resolve({
        ok: false,
        text:
          status === 401
            ? 'the dashboard refuses the token (401): compare NIXFLEET_TOKEN with the token in the dashboard'
            : `the dashboard answers ${status} instead of opening the socket: is the path of NIXFLEET_URL /ws?`,
      });
      socket.terminate();
    });
    socket.on('error', (error) => resolve({ ok: false, text: `can't be opened (${error.message})` }));
  });
}
