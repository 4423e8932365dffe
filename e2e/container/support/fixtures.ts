/** What every container test gets, besides hosts and a page: installations, all taken away afterwards. */
import { test as base } from '../../support/fixtures';
import { SKIP_REASON } from './engine';
import { Installation, type ComposeFile } from './installation';

interface Containers {
  install(file: ComposeFile, settings?: Record<string, string>): Installation;
  /** Runs at the end, before the installations go. */
  afterwards(work: () => Promise<unknown>): void;
}

export const test = base.extend<{ containers: Containers; engineRequired: undefined }>({
  // Before everything else, for every test: without an engine there is nothing to test.
  engineRequired: [
    // eslint-disable-next-line no-empty-pattern -- Playwright reads a fixture's needs from this pattern
    async ({}, use, info) => {
      info.skip(SKIP_REASON !== undefined, SKIP_REASON);
      await use(undefined);
    },
    { auto: true },
  ],
  // eslint-disable-next-line no-empty-pattern -- Playwright reads a fixture's needs from this pattern
  containers: async ({}, use) => {
    const installations: Installation[] = [];
    const last: (() => Promise<unknown>)[] = [];
    await use({
      install(file, settings) {
        const installation = new Installation(file, settings);
        installations.push(installation);
        return installation;
      },
      afterwards: (work) => last.push(work),
    });
    for (const installation of installations) await installation.remove();
    for (const work of last) await work();
  },
});

export { expect } from '../../support/fixtures';
