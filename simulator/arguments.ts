/** The command line of `npm run simulate`. */
import { parseArgs } from 'node:util';
import { COMMIT_PREFIX } from '@/lib/git/commit-id';
import { DEFAULT_DIALS_PER_S, MAX_SIMULATED_HOSTS } from './fleet';

export interface SimulationSettings {
  url: string;
  token: string;
  hosts: number;
  intervalMs: number;
  protocol: 2 | 3 | 'mixed';
  seed: number;
  dialsPerS: number;
  /** Interval at which all connections break, in milliseconds; null: never. */
  stormMs: number | null;
  pullsTo: string | undefined;
  /** The share of hosts on which a check of a confirmed switch fails, 0 to 1. */
  rollsBack: number;
}

export type ParsedArguments =
  { kind: 'help' } | { kind: 'problems'; problems: string[] } | { kind: 'run'; settings: SimulationSettings };

export const USAGE = `npm run simulate -- [options]

Connects a fleet of simulated hosts to a dashboard. Ctrl-C ends it.

  --hosts <n>       number of hosts, 1 to ${MAX_SIMULATED_HOSTS} (50)
  --url <address>   the dashboard's agent socket (ws://localhost:8000/ws)
  --token <token>   the agent token (NIXFLEET_AGENT_TOKEN, or the content of data/secrets/agent-token)
  --interval <s>    seconds between heartbeats of a host, 1 to 3600 (5)
  --protocol <p>    2: like the Go agent; 3: like this project's agent; mixed: half of each (mixed)
  --seed <n>        seed of the random numbers: the same seed gives the same fleet (1)
  --dial-rate <n>   new connections per second at the start (${DEFAULT_DIALS_PER_S})
  --storm <s>       break all connections every <s> seconds; the hosts reconnect (never)
  --commit <hash>   the commit of a host after a pull, 7 to 40 hexadecimal digits (its current one)
  --roll-back <n>   percentage of NixOS hosts of protocol 3 that take a confirmed switch back, 0 to 100 (5)
  --yes-remote      allow a dashboard on another machine
  --help            show this text`;

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
  'roll-back': { type: 'string', default: '5' },
  'yes-remote': { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

export interface ArgumentSources {
  /** The value of NIXFLEET_AGENT_TOKEN. */
  tokenFromEnvironment: string | undefined;
  /** The content of the dashboard's token file; null when it does not exist. */
  readTokenFile: () => string | null;
  tokenFile: string;
}

/** Reads the command line. Never throws; lists all problems at once. */
export function readArguments(argv: readonly string[], sources: ArgumentSources): ParsedArguments {
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
  if (values.commit !== undefined && !COMMIT_PREFIX.test(values.commit)) {
    problems.push(`--commit is "${values.commit}": write 7 to 64 hexadecimal digits.`);
  }
  const token = [values.token, sources.tokenFromEnvironment, sources.readTokenFile()]
    .find((one) => one?.trim())
    ?.trim();
  if (token === undefined) {
    problems.push(
      `No agent token was found: start the dashboard once so that it creates ${sources.tokenFile}, set NIXFLEET_AGENT_TOKEN, or pass --token.`,
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
    rollsBack: number('roll-back', values['roll-back'], 0, 100, false) / 100,
  };
  return problems.length > 0 ? { kind: 'problems', problems } : { kind: 'run', settings };
}

function addressProblems(text: string, remote: boolean): string[] {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol !== 'ws:' && url?.protocol !== 'wss:') {
    return [`--url is "${text}": write an address such as ws://localhost:8000/ws.`];
  }
  if (isLoopback(url.hostname) || remote) return [];
  return [
    `--url points to ${url.hostname}, which is not this machine: its dashboard would fill with simulated hosts. To do that anyway, add --yes-remote.`,
  ];
}

/** Whether a host name, in the form that URL gives, is this machine. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}
