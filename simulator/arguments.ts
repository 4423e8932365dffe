/** What `npm run simulate` was asked to do. */
import { parseArgs } from 'node:util';
import { DEFAULT_DIALS_PER_S, MAX_SIMULATED_HOSTS } from './fleet';

export interface SimulationSettings {
  url: string;
  token: string;
  hosts: number;
  intervalMs: number;
  protocol: 2 | 3 | 'mixed';
  seed: number;
  dialsPerS: number;
  /** All connections break this often, in milliseconds; null: never. */
  stormMs: number | null;
  pullsTo: string | undefined;
}

export type ParsedArguments =
  { kind: 'help' } | { kind: 'problems'; problems: string[] } | { kind: 'run'; settings: SimulationSettings };

export const USAGE = `npm run simulate -- [options]

Connects a fleet of simulated hosts to a dashboard. Ctrl-C ends it.

  --hosts <n>       how many hosts, 1 to ${MAX_SIMULATED_HOSTS} (50)
  --url <address>   where the dashboard takes agents (ws://localhost:8000/ws)
  --token <token>   the agents' token (NIXFLEET_AGENT_TOKEN, or what is in data/secrets/agent-token)
  --interval <s>    seconds between heartbeats of a host, 1 to 3600 (5)
  --protocol <p>    2: as the Go agent; 3: as this project's agent; mixed: half of each (mixed)
  --seed <n>        another seed is another fleet (1)
  --dial-rate <n>   new connections a second at the start (${DEFAULT_DIALS_PER_S})
  --storm <s>       break all connections every so many seconds; the hosts dial again (never)
  --commit <hash>   the commit that a pull brings a host to, 7 to 40 hexadecimal digits (its present one)
  --yes-remote      connect to another machine than this one
  --help            this text`;

const OPTIONS = {
  hosts: { type: 'string', default: '50' },
  url: { type: 'string', default: 'ws://localhost:8000/ws' },
  token: { type: 'string' },
  interval: { type: 'string', default: '5' },
  protocol: { type: 'string', default: 'mixed' },
  seed: { type: 'string', default: '1' },
  'dial-rate': { type: 'string', default: String(DEFAULT_DIALS_PER_S) },
  storm: { type: 'string' },
  commit: { type: 'string' },
  'yes-remote': { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

export interface ArgumentSources {
  /** The value of NIXFLEET_AGENT_TOKEN. */
  tokenFromEnvironment: string | undefined;
  /** The content of the dashboard's own token file; null when there is none. */
  readTokenFile: () => string | null;
  tokenFile: string;
}

/** Reads the command line. Never throws; tells all problems at once. */
export function readArguments(argv: readonly string[], around: ArgumentSources): ParsedArguments {
  let values;
  try {
    ({ values } = parseArgs({ args: [...argv], options: OPTIONS, strict: true, allowPositionals: false }));
  } catch (error) {
    return { kind: 'problems', problems: [error instanceof Error ? error.message : String(error)] };
  }
  if (values.help) return { kind: 'help' };
  const problems: string[] = [];
  const number = (name: keyof typeof OPTIONS, text: string, min: number, max: number, whole = true): number => {
    const value = Number(text);
    if (text.trim() !== '' && value >= min && value <= max && (!whole || Number.isInteger(value))) return value;
    problems.push(`--${name} is "${text}": write a ${whole ? 'whole ' : ''}number from ${min} to ${max}.`);
    return min;
  };
  const { protocol } = values;
  if (protocol !== '2' && protocol !== '3' && protocol !== 'mixed') {
    problems.push(`--protocol is "${protocol}": write 2, 3 or mixed.`);
  }
  problems.push(...addressProblems(values.url, values['yes-remote']));
  if (values.commit !== undefined && !/^[0-9a-f]{7,40}$/.test(values.commit)) {
    problems.push(`--commit is "${values.commit}": write 7 to 40 hexadecimal digits.`);
  }
  const token = [values.token, around.tokenFromEnvironment, around.readTokenFile()].find((one) => one?.trim())?.trim();
  if (token === undefined) {
    problems.push(
      `There is no token: start the dashboard once so that it makes ${around.tokenFile}, or set NIXFLEET_AGENT_TOKEN, or give --token.`,
    );
  }
  const settings: SimulationSettings = {
    url: values.url,
    token: token ?? '',
    hosts: number('hosts', values.hosts, 1, MAX_SIMULATED_HOSTS),
    intervalMs: number('interval', values.interval, 1, 3_600, false) * 1_000,
    protocol: protocol === '2' ? 2 : protocol === '3' ? 3 : 'mixed',
    seed: number('seed', values.seed, 0, 4_294_967_295),
    dialsPerS: number('dial-rate', values['dial-rate'], 1, 5_000),
    stormMs: values.storm === undefined ? null : number('storm', values.storm, 1, 86_400, false) * 1_000,
    pullsTo: values.commit?.slice(0, 7),
  };
  return problems.length > 0 ? { kind: 'problems', problems } : { kind: 'run', settings };
}

function addressProblems(text: string, remote: boolean): string[] {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol !== 'ws:' && url?.protocol !== 'wss:') {
    return [`--url is "${text}": write an address as ws://localhost:8000/ws.`];
  }
  if (isLoopback(url.hostname) || remote) return [];
  return [
    `--url leads to ${url.hostname}, which is not this machine: simulated hosts would fill that dashboard. If that is what you want, add --yes-remote.`,
  ];
}

/** Whether a host name, as URL gives it, is this very machine. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}
