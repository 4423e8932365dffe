/** What every test gets: a dashboard of its own, hosts with real agents, and a page that may not complain. */
import { expect, test as base, type Page } from '@playwright/test';
import { createHost, type TestHost } from '@/agent/testing/host';
import { AGENT_TOKEN, Dashboard } from './dashboard';

/** What Chromium writes to the console by itself: of a refused sign-in, and of a dashboard (or one behind a proxy) that is not there or stops. */
const EXPECTED_COMPLAINTS =
  /Failed to load resource: (the server responded with a status of (401|502)|net::ERR_CONNECTION_(REFUSED|RESET|CLOSED)|net::ERR_EMPTY_RESPONSE|net::ERR_INCOMPLETE_CHUNKED_ENCODING)|WebSocket connection to .* failed: .*(net::ERR_CONNECTION_(REFUSED|RESET|CLOSED)|net::ERR_EMPTY_RESPONSE|response code: 50[23])/;

interface World {
  /** Makes a host with a repository of its own; taken away after the test. */
  makeHost(name: string): TestHost;
  /** Makes a dashboard; ended and removed after the test. Not started yet. */
  makeDashboard(settings?: Record<string, string>): Dashboard;
  /** Starts the real agent of a host under its supervisor, as systemd would run it. */
  startAgent(
    host: TestHost,
    dashboard: { readonly agentUrl: string },
    more?: Record<string, string>,
  ): ReturnType<TestHost['start']>;
}

export const test = base.extend<{ world: World; page: Page }>({
  // eslint-disable-next-line no-empty-pattern -- Playwright reads a fixture's needs from this pattern
  world: async ({}, use) => {
    const hosts: TestHost[] = [];
    const dashboards: Dashboard[] = [];
    const supervised: ReturnType<TestHost['start']>[] = [];
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
        const agent = host.start('scripts/agent.mjs', dashboard.agentUrl, {
          NIXFLEET_TOKEN: AGENT_TOKEN,
          NIXFLEET_RESTART_SEC: '0.2',
          ...more,
        });
        supervised.push(agent);
        return agent;
      },
    });
    // A supervisor that is told to end takes its agent with it; one that is killed can't.
    for (const { child } of supervised) child.kill('SIGTERM');
    await Promise.all(supervised.map(({ exit }) => exit));
    for (const host of hosts) await host.remove();
    for (const dashboard of dashboards) await dashboard.remove();
  },
  // The world is asked for so that it ends after the page: a dashboard that is gone is nothing to complain of.
  page: async ({ page, world: _world }, use) => {
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(`page error: ${error.message}`));
    page.on('console', (message) => {
      if (message.type() !== 'error' && message.type() !== 'warning') return;
      if (!EXPECTED_COMPLAINTS.test(message.text())) complaints.push(`${message.type()}: ${message.text()}`);
    });
    await use(page);
    expect(complaints, 'the browser complained').toEqual([]);
  },
});

export { expect };
