/**
 * The addresses of earlier dashboards that no longer exist, because scripts may still use them. Each has one sentence
 * about what to use instead. Addresses of agents and of this dashboard are not in the table; a test checks that.
 */

const DOCUMENT = 'docs/operations.md';

export interface GoneAddress {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** `[id]` stands for one segment of the path, `[...]` for one or more. */
  pattern: string;
  /** What to use instead, as the rest of a sentence. */
  instead: string;
  /** Set where version 3 did not have the address. */
  onlyVersion1?: true;
}

const API = 'a public API is planned';
const HOSTS = `the fleet page shows the hosts, and ${API}`;
const OPERATIONS = `the fleet page starts operations, and ${API}`;
const EXPORT = 'GET /activity/export?format=ndjson downloads events with a session, and the activity page shows them';
const OUTPUT =
  'GET /api/output/COMMAND-ID downloads the output of a command with a session, and the fleet page shows it';
const REFRESH = 'agents report changes by themselves, and the fleet page can refresh a host';
const UPDATES = `the fleet page shows and merges flake updates, and ${API}`;

/** By path. Where one path has several rows, a request with another method gets the first of them. */
export const GONE_ADDRESSES: readonly GoneAddress[] = [
  {
    method: 'POST',
    pattern: '/login',
    instead: `people sign in on the page GET /login, scripts cannot, and ${API}`,
  },
  { method: 'POST', pattern: '/logout', instead: 'the account menu of every page signs out' },
  {
    method: 'GET',
    pattern: '/static/[...]',
    instead: 'the icon is /icon.svg, and the other files of the pages change with each build',
  },
  { method: 'GET', pattern: '/ws', instead: 'pages use /live, and /ws is for agents, which send a token' },
  { method: 'GET', pattern: '/api/hosts', instead: HOSTS },
  { method: 'POST', pattern: '/api/hosts', instead: 'the fleet page adds hosts, and agents add themselves' },
  { method: 'DELETE', pattern: '/api/hosts/[id]', instead: 'the menu of a host on the fleet page removes the host' },
  {
    method: 'PATCH',
    pattern: '/api/hosts/[id]',
    instead: 'nothing replaces it, because notes of hosts can no longer be edited',
    onlyVersion1: true,
  },
  { method: 'POST', pattern: '/api/hosts/[id]/command', instead: OPERATIONS },
  { method: 'POST', pattern: '/api/hosts/[id]/refresh', instead: REFRESH },
  { method: 'POST', pattern: '/api/hosts/[id]/refresh-git', instead: REFRESH },
  {
    method: 'POST',
    pattern: '/api/hosts/[id]/theme-color',
    instead: 'the menu of a host on the fleet page sets its colour',
  },
  { method: 'POST', pattern: '/api/hosts/[id]/reboot', instead: OPERATIONS },
  { method: 'GET', pattern: '/api/hosts/[id]/logs', instead: OUTPUT },
  { method: 'GET', pattern: '/api/hosts/[id]/logs/download', instead: OUTPUT, onlyVersion1: true },
  { method: 'GET', pattern: '/api/hosts/[id]/output', instead: OUTPUT },
  { method: 'POST', pattern: '/api/hosts/[id]/kill', instead: OPERATIONS },
  {
    method: 'POST',
    pattern: '/api/hosts/[id]/timeout-action',
    instead: 'the fleet page extends or kills a command that takes too long',
  },
  { method: 'GET', pattern: '/api/hosts/[id]/events', instead: EXPORT },
  {
    method: 'POST',
    pattern: '/api/hosts/[id]/agent-token',
    instead: 'Settings, Hosts and tokens creates and rotates tokens',
    onlyVersion1: true,
  },
  { method: 'GET', pattern: '/api/command-states', instead: HOSTS },
  { method: 'GET', pattern: '/api/system-log', instead: EXPORT },
  { method: 'GET', pattern: '/api/events', instead: EXPORT },
  {
    method: 'GET',
    pattern: '/api/metrics',
    instead: 'GET /metrics serves figures for Prometheus when NIXFLEET_METRICS_TOKEN is set',
    onlyVersion1: true,
  },
  { method: 'POST', pattern: '/api/dispatch', instead: OPERATIONS },
  { method: 'POST', pattern: '/api/dispatch/pipeline', instead: OPERATIONS },
  { method: 'GET', pattern: '/api/ops', instead: OPERATIONS },
  {
    method: 'GET',
    pattern: '/api/pipelines',
    instead: `the fleet page starts pipelines, the activity page shows them, and ${API}`,
  },
  { method: 'GET', pattern: '/api/flake-updates/status', instead: UPDATES },
  { method: 'POST', pattern: '/api/flake-updates/check', instead: UPDATES },
  { method: 'POST', pattern: '/api/flake-updates/merge-pr', instead: UPDATES },
  { method: 'POST', pattern: '/api/flake-updates/merge-and-deploy', instead: UPDATES },
  {
    method: 'POST',
    pattern: '/api/nixcfg/refresh',
    instead: 'the dashboard fetches the desired state by itself',
    onlyVersion1: true,
  },
];

/** Addresses that exist with other methods: only the method of their row is gone. */
const STILL_USED: ReadonlySet<string> = new Set(['/login', '/ws']);

const MATCHERS = GONE_ADDRESSES.map((address) => {
  const source = address.pattern
    .replace(/\//g, '\\/')
    .replace(/\[\.\.\.\]/g, '.+')
    .replace(/\[id\]/g, '[^/]+');
  return { address, matches: new RegExp(`^${source}\\/?$`) };
});

/** The row for a request; null when the address exists, or never did. Takes the target literally, without its query. */
export function goneAddress(method: string, target: string): GoneAddress | null {
  const path = target.split('?', 1)[0] ?? '';
  const rows = MATCHERS.filter(({ matches }) => matches.test(path)).map(({ address }) => address);
  const asked = method === 'HEAD' ? 'GET' : method;
  const exact = rows.find((row) => row.method === asked);
  if (exact) return exact;
  const [first] = rows;
  return first === undefined || STILL_USED.has(first.pattern) ? null : first;
}

/** Where an address is documented: a file and a heading of the repository. */
export const goneDocument = ({ onlyVersion1 }: GoneAddress): string =>
  `${DOCUMENT}#moving-from-version-${onlyVersion1 === true ? 1 : 3}`;

/** The sentence for a person at a shell, who may have used another method than the row's. */
export function goneSentence(address: GoneAddress): string {
  const { method, pattern, instead } = address;
  const shown = pattern.replace('[id]', 'HOST').replace('[...]', '…');
  return `${method} ${shown} of an earlier NixFleet is gone: ${instead} (${goneDocument(address)}).`;
}
