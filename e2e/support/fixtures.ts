/** What every test gets: a separate dashboard, hosts with real agents, and a page that may not complain. */
import { expect, test as base, type Page } from '@playwright/test';
import { createHost, type TestHost } from '@/agent/testing/host';
import { AGENT_TOKEN, Dashboard } from './dashboard';
import { PageRequests } from './page-requests';

/** What Chromium itself writes to the console when a sign-in or a request without a session is refused. */
const REFUSED = /Failed to load resource: the server responded with a status of 401/;

/**
 * What Chromium, Next and React report when a dashboard ends, or a proxy in front of it has nobody to ask: requests that
 * are refused, responses and sockets that are cut.
 */
const CUT_OFF = new RegExp(
  [
    'net::ERR_(CONNECTION_(REFUSED|RESET|CLOSED)|EMPTY_RESPONSE|INCOMPLETE_CHUNKED_ENCODING|CONTENT_LENGTH_MISMATCH)',
    'status of 50[23]',
    'response code: 50[23]',
    '(page error: |error: )(TypeError: )?(Failed to fetch|network error|Connection closed)',
    'Failed to fetch RSC payload',
  ].join('|'),
);

interface World {
  /** Makes a host with a separate repository; taken away after the test. */
  makeHost(name: string): TestHost;
  /** Makes a dashboard; ended and removed after the test. Not started yet. */
  makeDashboard(settings?: Record<string, string>): Dashboard;
  /** Starts the real agent of a host under its supervisor, as systemd would run it. */
  startAgent(
    host: TestHost,
    dashboard: { readonly agentUrl: string },
    more?: Record<string, string>,
  ): ReturnType<TestHost['start']>;
  /** From here on the connections of the page may be cut: for what ends without `Dashboard.end`. */
  expectCuts(): void;
  /** Whether they may be cut: also after a dashboard was ended. */
  readonly cutsAreExpected: boolean;
}

export const test = base.extend<{ world: World; page: Page; requests: PageRequests }>({
  // eslint-disable-next-line no-empty-pattern -- Playwright reads a fixture's needs from this pattern
  world: async ({}, use) => {
    const hosts: TestHost[] = [];
    const dashboards: Dashboard[] = [];
    const supervised: ReturnType<TestHost['start']>[] = [];
    let cutsAreExpected = false;
    await use({
      makeHost(name) {
        const host = createHost(name);
        hosts.push(host);
        return host;
      },
      makeDashboard(settings) {
        const dashboard = new Dashboard(settings);
        dashboards.push(dashboard);
        return dashboard;
      },
      startAgent(host, dashboard, more = {}) {
        const agent = host.start(
          'scripts/launch.mjs',
          dashboard.agentUrl,
          { NIXFLEET_TOKEN: AGENT_TOKEN, NIXFLEET_RESTART_SEC: '0.2', ...more },
          ['agent'],
        );
        supervised.push(agent);
        return agent;
      },
      expectCuts: () => (cutsAreExpected = true),
      get cutsAreExpected() {
        return cutsAreExpected || dashboards.some(({ hasEnded }) => hasEnded);
      },
    });
    // A supervisor that is told to end takes its agent with it; one that is killed can't.
    for (const { child } of supervised) child.kill('SIGTERM');
    await Promise.all(supervised.map(({ exit }) => exit));
    for (const host of hosts) await host.remove();
    for (const dashboard of dashboards) await dashboard.remove();
  },
  // It ends before the world: a dashboard that is taken away after the test is no reason to complain.
  page: async ({ page, world }, use) => {
    const complaints: string[] = [];
    const complain = (complaint: string) => {
      if (REFUSED.test(complaint) || (world.cutsAreExpected && CUT_OFF.test(complaint))) return;
      complaints.push(complaint);
    };
    page.on('pageerror', (error) => complain(`page error: ${error.message}`));
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complain(`${message.type()}: ${message.text()}`);
    });
    await use(page);
    expect(complaints, 'the browser complained').toEqual([]);
  },
  requests: async ({ page }, use) => use(new PageRequests(page)),
});

export { expect };
