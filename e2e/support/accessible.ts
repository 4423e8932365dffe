/** What axe says of a page, dark and light, wide and narrow. */
import AxeBuilder from '@axe-core/playwright';
import { expect, type Page } from '@playwright/test';

type NodeResult = Awaited<ReturnType<AxeBuilder['analyze']>>['violations'][number]['nodes'][number];

const WCAG = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
const TARGET_SIZE = 'target-size';
const LOOKS = [
  { colorScheme: 'dark', width: 1440, height: 900 },
  { colorScheme: 'light', width: 1440, height: 900 },
  { colorScheme: 'dark', width: 390, height: 844 },
  { colorScheme: 'light', width: 390, height: 844 },
] as const;

/** axe finds nothing, and nothing is wider than the screen. Leaves the page as wide as it was. */
export async function expectAccessible(page: Page, what: string): Promise<void> {
  const size = page.viewportSize();
  for (const { colorScheme, width, height } of LOOKS) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.setViewportSize({ width, height });
    const { violations } = await new AxeBuilder({ page }).withTags(WCAG).analyze();
    const found: string[] = [];
    for (const violation of violations) {
      const nodes = violation.id === TARGET_SIZE ? await tooSmallInView(page, violation.nodes) : violation.nodes;
      if (nodes.length > 0) found.push(`${violation.id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`);
    }
    expect(found, `${what}, ${colorScheme}, ${width} px`).toEqual([]);
    const overflow = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(overflow, `${what} is wider than the screen of ${width} px`).toBeLessThanOrEqual(0);
  }
  if (size) await page.setViewportSize(size);
}

/**
 * Those that are too small in the middle of the screen, too. axe counts only what a bar at the edge leaves of a target,
 * and an operator scrolls that into view.
 */
async function tooSmallInView(page: Page, nodes: readonly NodeResult[]): Promise<NodeResult[]> {
  const tooSmall: NodeResult[] = [];
  for (const node of nodes) {
    const selector = node.target.join(' ');
    await page.locator(selector).evaluate((target) => {
      target.scrollIntoView({ block: 'center' });
    });
    const { violations } = await new AxeBuilder({ page }).include(selector).withRules([TARGET_SIZE]).analyze();
    if (violations.length > 0) tooSmall.push(node);
  }
  await page.evaluate(() => {
    window.scrollTo(0, 0);
  });
  return tooSmall;
}
