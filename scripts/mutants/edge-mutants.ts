/** Changes to sockets, pages and requests. */
import type { Mutant } from './mutant';

const MERGE = 'lib/edge/browsers/pending-changes.ts';
const GATEWAY = 'lib/edge/browsers/live-gateway.ts';
const BROWSER = 'lib/edge/browsers/browser-socket.ts';
const AGENTS = 'lib/edge/agents/agent-gateway.ts';
const UPGRADE = 'lib/edge/http/upgrade.ts';
const JUDGE = 'lib/edge/http/request-judge.ts';
const MERGE_TEST = 'lib/edge/browsers/test/pending-changes.test.ts';
const LIVE_TEST = 'lib/edge/browsers/test/live-gateway.test.ts';
const LIFE_TEST = 'lib/edge/browsers/test/browser-life.test.ts';
const SESSION_TEST = 'lib/edge/browsers/test/session-end.test.ts';
const BUDGET_TEST = 'lib/edge/browsers/test/live-budget.test.ts';
const AGENT_LIFE_TEST = 'lib/edge/agents/test/agent-life.test.ts';
const AGENT_TEST = 'lib/edge/agents/test/agent-gateway.test.ts';
const UPGRADE_TEST = 'lib/edge/http/upgrade.test.ts';
const RULES_TEST = 'lib/edge/http/request-rules.test.ts';
const GUARD_TESTS = ['request-guard', 'request-guard-concurrency', 'request-guard-refusals', 'request-guard-transfer'].map(
  (name) => `lib/edge/http/${name}.test.ts`,
);

export const EDGE_MUTANTS: readonly Mutant[] = [
  {
    name: 'written-before-it-is-read',
    file: 'lib/edge/links/paced-stream.ts',
    from: 'this.writeWhenRead(1);',
    to: 'this.writeHeld();',
    why: 'the result of an agent that has just ended is lost when the dashboard reads slowly',
    tests: ['lib/edge/links/paced-stream.test.ts', 'lib/edge/agents/test/last-frames.test.ts'],
  },
  {
    name: 'oldest-events-of-a-merge',
    file: MERGE,
    from: 'events.slice(-MAX_EVENTS_IN_BATCH)',
    to: 'events.slice(0, MAX_EVENTS_IN_BATCH)',
    why: 'a page that was behind shows old events and never the newest',
    tests: [MERGE_TEST],
  },
  {
    name: 'removal-lost-in-a-merge',
    file: MERGE,
    from: '      removed.add(id);\n',
    to: '',
    why: 'a page that was behind shows a removed host for ever',
    tests: [MERGE_TEST],
  },
  {
    name: 'removed-host-in-a-merge',
    file: MERGE,
    from: '      hosts.delete(id);\n',
    to: '',
    why: 'a host that was removed and came back has fields of the old one',
    tests: [MERGE_TEST],
  },
  {
    name: 'removed-pipeline-in-a-merge',
    file: MERGE,
    from: '      removedPipelines.add(id);\n',
    to: '',
    why: 'a page that was behind shows a removed pipeline for ever',
    tests: [MERGE_TEST],
  },
  {
    name: 'first-patch-of-a-merge',
    file: MERGE,
    from: 'hosts.set(patch.id, { ...hosts.get(patch.id), ...patch });',
    to: 'hosts.set(patch.id, { ...patch, ...hosts.get(patch.id) });',
    why: 'a page that was behind shows old values of a host',
    tests: [MERGE_TEST],
  },
  {
    name: 'changes-of-another-version',
    file: 'lib/protocol/live/apply-changes.ts',
    from: 'if (changes.from !== view.version) return null;',
    to: 'if (changes.from > view.version) return null;',
    why: 'a page applies changes twice and goes back in time',
    tests: ['lib/protocol/live/apply-changes.test.ts'],
  },
  {
    name: 'removal-not-applied',
    file: 'lib/protocol/live/apply-changes.ts',
    from: 'for (const id of changes.removed ?? []) byId.delete(id);',
    to: '',
    why: 'a page shows removed hosts',
    tests: ['lib/protocol/live/apply-changes.test.ts'],
  },
  {
    name: 'expired-session-stays-open',
    file: GATEWAY,
    from: 'if (!isValid) this.closeSession(idHash);',
    to: '',
    why: 'the open pages of an expired session go on showing the fleet',
    tests: [SESSION_TEST],
  },
  {
    name: 'silent-browser-stays',
    file: GATEWAY,
    from: 'if (browser.silentMs > (this.options.tuning?.silenceMs ?? BROWSER_SILENCE_MS)) browser.socket.terminate();',
    to: 'if (browser.silentMs < 0) browser.socket.terminate();',
    why: 'pages of computers that were switched off fill the limit on pages',
    tests: [LIFE_TEST],
  },
  {
    name: 'stuck-browser-stays',
    file: BROWSER,
    from: 'return now - this.fullSince > stuckMs;',
    to: 'return now < this.fullSince;',
    why: 'a page that never reads keeps its memory',
    tests: [LIFE_TEST],
    hangs: true,
  },
  {
    name: 'session-without-a-limit-on-pages',
    file: GATEWAY,
    from: 'sameSession < MAX_BROWSERS_PER_SESSION) return null;',
    to: 'sameSession >= 0) return null;',
    why: 'one session uses up the pages of all',
    tests: [BUDGET_TEST, LIVE_TEST, UPGRADE_TEST],
    hangs: true,
  },
  {
    name: 'lines-lost-that-were-not-published',
    file: BROWSER,
    from: 'if (!this.hasRoom || fresh[0]?.seq !== watch.after + 1 || isOfFullSize(fresh)) {',
    to: 'if (!this.hasRoom || isOfFullSize(fresh)) {',
    why: 'a page misses lines that were stored and not published',
    tests: [LIVE_TEST, BUDGET_TEST],
  },
  {
    name: 'lines-lost-while-a-page-is-read',
    file: BROWSER,
    from: ' || watch.published > watch.after) {',
    to: ') {',
    why: 'a page misses lines that were stored while it was reading older ones',
    tests: [BUDGET_TEST, LIVE_TEST],
  },
  {
    name: 'agent-backlog-without-a-limit',
    file: 'lib/edge/agents/agent-socket.ts',
    from: 'if (this.socket.bufferedAmount <= MAX_AGENT_BACKLOG_BYTES) return true;',
    to: 'if (this.socket.bufferedAmount >= 0) return true;',
    why: 'an agent that does not read fills the memory',
    tests: [AGENT_TEST, AGENT_LIFE_TEST],
  },
  {
    name: 'silent-agent-stays',
    file: AGENTS,
    from: 'if (link.silentMs >= silenceMs) link.socket.terminate();',
    to: 'if (link.silentMs < 0) link.socket.terminate();',
    why: 'a host that lost its power is online for ever',
    tests: [AGENT_LIFE_TEST, 'lib/edge/agents/test/liveness.test.ts'],
    hangs: true,
  },
  {
    name: 'unregistered-agent-sends-without-a-limit',
    file: AGENTS,
    from: "      link.refuse(1009, 'too many bytes before registering');\n",
    to: '',
    why: 'an agent that never registers makes the dashboard parse without a limit',
    tests: ['lib/edge/agents/test/agent-flood.test.ts', AGENT_TEST],
    hangs: true,
  },
  {
    name: 'unreadable-frames-without-a-limit',
    file: AGENTS,
    from: "    link.refuse(1008, 'too many unreadable frames');\n",
    to: '',
    why: 'an agent floods the dashboard with frames that can’t be read',
    tests: ['lib/edge/agents/test/agent-flood.test.ts', AGENT_TEST],
    hangs: true,
  },
  {
    name: 'held-agent-counts-as-silent',
    file: 'lib/edge/links/peer-liveness.ts',
    from: 'if (bytesRead !== this.seenBytes || this.isPaused()) {',
    to: 'if (bytesRead !== this.seenBytes) {',
    why: 'an agent is disconnected because the dashboard did not read from it',
    tests: [AGENT_LIFE_TEST, 'lib/edge/agents/test/liveness.test.ts'],
  },
  {
    name: 'origin-of-another-host',
    file: 'lib/edge/http/origin.ts',
    from: 'if (!host || url.host !== host.toLowerCase()) return false;',
    to: 'if (!host) return false;',
    why: 'a page of another address opens a socket with the cookie of the operator',
    tests: ['lib/edge/http/origin.test.ts'],
  },
  {
    name: 'origin-by-any-name',
    file: 'lib/edge/http/origin.ts',
    from: "return name === 'localhost' || isIP(name) !== 0 || policy.machineNames.includes(name);",
    to: "return name !== '';",
    why: 'a name that an attacker points here opens a socket (DNS rebinding)',
    tests: ['lib/edge/http/origin.test.ts'],
  },
  {
    name: 'browser-as-an-agent',
    file: UPGRADE,
    from: 'if (request.headers.origin !== undefined) {',
    to: "if (request.headers.origin === 'null') {",
    why: 'a web page connects as an agent',
    tests: [UPGRADE_TEST, AGENT_TEST],
    hangs: true,
  },
  {
    name: 'session-ended-while-it-was-looked-up',
    file: UPGRADE,
    from: 'if (!session || options.sessionHasEnded(session.idHash)) {',
    to: 'if (!session) {',
    why: 'a socket of an ended session stays open',
    tests: [UPGRADE_TEST, SESSION_TEST],
  },
  {
    name: 'session-look-up-without-a-time-out',
    file: UPGRADE,
    from: 'withDeadline(options.resolveSession(request.headers.cookie), options.loop)',
    to: "Promise.race<{ idHash: string } | null | 'late'>([options.resolveSession(request.headers.cookie)])",
    why: 'a database that does not answer keeps upgrades open for ever',
    tests: [UPGRADE_TEST],
    hangs: true,
  },
  {
    name: 'pending-upgrades-of-one-address',
    file: 'lib/edge/http/pending-upgrades.ts',
    from: 'held >= MAX_PENDING_UPGRADES_PER_ADDRESS || ',
    to: '',
    why: 'one address takes all places for session look-ups',
    tests: ['lib/edge/http/pending-upgrades.test.ts'],
  },
  {
    name: 'page-hidden-by-an-address-that-is-gone',
    file: 'lib/edge/http/gone-addresses.ts',
    from: 'first === undefined || STILL_USED.has(first.pattern)',
    to: 'first === undefined',
    why: 'nobody can open the sign-in page',
    tests: ['lib/edge/http/gone-addresses.test.ts'],
  },
  {
    name: 'body-of-a-get',
    file: JUDGE,
    from: "return carriesBody(headers) ? { kind: 'refuse', reason: 'unexpected-body' } : { kind: 'pass' };",
    to: "return { kind: 'pass' };",
    why: 'a body reaches the pages without a limit',
    tests: [RULES_TEST, ...GUARD_TESTS],
  },
  {
    name: 'action-of-another-page',
    file: JUDGE,
    from: '!(rule.session ? actions.has(id) : actions.isOn(id, pattern))',
    to: '!actions.has(id)',
    why: 'an action for operators is called through the sign-in page',
    tests: [RULES_TEST, ...GUARD_TESTS],
  },
  {
    name: 'announced-size-not-checked',
    file: JUDGE,
    from: "return Number(headers['content-length'] ?? 0) > rule.maxBytes ?",
    to: "return Number(headers['content-length'] ?? 0) < 0 ?",
    why: 'a body that is announced as too large is read',
    tests: [RULES_TEST, ...GUARD_TESTS],
  },
];
