/** What an open fleet page costs in the browser while nobody touches it, and what one key and one scroll cost. */
import type { Browser, CDPSession, Page } from '@playwright/test';

/** Left out: the page hydrates and settles. */
const SETTLE_MS = 3_000;
const IDLE_MS = 15_000;
/** Keys and scrolls are repeated, and the mean is taken. */
const REPEATS = 8;
/** Longer than the filter waits for more typing. */
const AFTER_INPUT_MS = 600;

/** As text: a function would carry what the TypeScript loader adds to it. */
const HIDE = `
  Object.defineProperty(document, 'hidden', { configurable: true, value: true });
  document.dispatchEvent(new Event('visibilitychange'));`;

export interface IdleFigures {
  /** Processor time of the renderer per second, 1 core = 1. */
  idleShare: number;
  /** The same while the tab is in the background. */
  hiddenShare: number;
  /** Processor time of the renderer for one key in the filter and for a screenful scrolled, idle use deducted (ms). */
  filterKeyMs: number;
  scrollMs: number;
}

/** The page has to show the fleet. */
export async function measureIdlePage(browser: Browser, page: Page): Promise<IdleFigures> {
  const session = await browser.newBrowserCDPSession();
  try {
    await page.waitForTimeout(SETTLE_MS);
    const idleShare = await shareOf(session, page);
    const box = page.getByRole('searchbox', { name: 'Search hosts' });
    const filterKeyMs = await costOf(session, page, idleShare, async (turn) => {
      if (turn % 2 === 0) await box.press('w');
      else await box.press('Backspace');
    });
    const scrollMs = await costOf(session, page, idleShare, async () => {
      await page.mouse.move(700, 500);
      await page.mouse.wheel(0, 800);
    });
    await page.evaluate(HIDE);
    await page.waitForTimeout(SETTLE_MS);
    const hiddenShare = await shareOf(session, page);
    return { idleShare, hiddenShare, filterKeyMs, scrollMs };
  } finally {
    await session.detach();
  }
}

async function shareOf(session: CDPSession, page: Page): Promise<number> {
  const [from, at] = [await rendererSeconds(session), performance.now()];
  await page.waitForTimeout(IDLE_MS);
  return ((await rendererSeconds(session)) - from) / ((performance.now() - at) / 1_000);
}

async function costOf(
  session: CDPSession,
  page: Page,
  idleShare: number,
  act: (turn: number) => Promise<void>,
): Promise<number> {
  const [from, at] = [await rendererSeconds(session), performance.now()];
  for (let turn = 0; turn < REPEATS; turn += 1) {
    await act(turn);
    await page.waitForTimeout(AFTER_INPUT_MS);
  }
  const idleS = idleShare * ((performance.now() - at) / 1_000);
  return (((await rendererSeconds(session)) - from - idleS) * 1_000) / REPEATS;
}

/** Processor time of all renderers since their start. */
async function rendererSeconds(session: CDPSession): Promise<number> {
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  return processInfo.filter(({ type }) => type === 'renderer').reduce((sum, { cpuTime }) => sum + cpuTime, 0);
}
