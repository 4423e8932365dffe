/** What is clicked and typed before hydration, on pages whose application is a few lines. */
import { expect, test, type Page } from '@playwright/test';
import { holdEarlyInput } from '@/app/_before-hydration/hold-early-input';

const KEEP_MS = 15_000;
const READY = 'test:ready';
const LOST = 'test:lost';

/** Shows a page that logs every submit with its fields, every click, and lost input, as hydrated handlers would. */
async function show(page: Page, body: string): Promise<void> {
  await page.clock.install();
  await page.setContent(
    `<script>(${holdEarlyInput.toString()})(${JSON.stringify(READY)},${JSON.stringify(LOST)},${KEEP_MS})</script>
    <body>${body}<ol id="log"></ol></body>`,
  );
  await page.evaluate((lost) => {
    const log = (text: string) => {
      const line = document.createElement('li');
      line.textContent = text;
      document.querySelector('#log')?.append(line);
    };
    document.addEventListener(lost, () => log('lost'));
    document.addEventListener('click', ({ target }) => {
      if (target instanceof HTMLButtonElement && target.type === 'button') log(`click ${target.id}`);
    });
    document.addEventListener('submit', (event) => {
      event.preventDefault();
      if (!(event.target instanceof HTMLFormElement)) return;
      const fields = [...new FormData(event.target, event.submitter)].map(
        ([name, value]) => `${name}=${typeof value === 'string' ? value : ''}`,
      );
      log(`submit ${fields.join(' ')}`.trim());
    });
  }, LOST);
}

async function hydrate(page: Page): Promise<void> {
  await page.evaluate((ready) => document.dispatchEvent(new Event(ready)), READY);
  await expect(page.locator('[data-held], [aria-busy]')).toHaveCount(0);
}

const log = (page: Page) => page.locator('#log li');
const button = (page: Page, name: string) => page.getByRole('button', { name });

test('repeats clicks and submits in order', async ({ page }) => {
  await show(
    page,
    '<button type="button" id="a">A</button><form><input name="q"><button name="by" value="go">Go</button></form>',
  );
  await button(page, 'A').click();
  await page.getByRole('textbox').fill('text');
  await button(page, 'Go').click();
  await expect(log(page)).toHaveCount(0);
  await hydrate(page);
  await expect(log(page)).toHaveText(['click a', 'submit q=text by=go']);
});

const GO = '<form id="f"><button id="go">Go</button></form><form id="g"></form><button type="button" id="b">B</button>';
for (const [change, script] of [
  ['was removed', `document.querySelector('#go').remove()`],
  ['belongs to another form', `document.querySelector('#go').setAttribute('form', 'g')`],
  ['has another text', `document.querySelector('#go').textContent = 'Delete'`],
] as const) {
  test(`drops a submit whose button ${change}, and repeats the click after it`, async ({ page }) => {
    await show(page, GO);
    await button(page, 'Go').click();
    await button(page, 'B').click();
    await page.evaluate(script);
    await hydrate(page);
    await expect(log(page)).toHaveText(['click b', 'lost']);
  });
}

test('continues after a repeat that throws', async ({ page }) => {
  await show(page, GO);
  await button(page, 'Go').click();
  await button(page, 'B').click();
  await page.evaluate(() => {
    const form = document.querySelector('form');
    if (form)
      form.requestSubmit = () => {
        throw new Error('refused');
      };
  });
  await hydrate(page);
  await expect(log(page)).toHaveText(['click b', 'lost']);
});

const PULL = '<label for="a">h1</label><button type="button" id="a"><span>Pull</span></button>';
for (const [change, script] of [
  ['text', `document.querySelector('#a span').textContent = 'Reboot'`],
  ['accessible label', `document.querySelector('#a').setAttribute('aria-label', 'Reboot')`],
  ['label', `document.querySelector('label').textContent = 'h2'`],
  ['state: disabled', `document.querySelector('#a').disabled = true`],
] as const) {
  test(`drops a click on a control with another ${change}`, async ({ page }) => {
    await show(page, PULL);
    await page.locator('#a').click();
    await page.evaluate(script);
    await hydrate(page);
    await expect(log(page)).toHaveText(['lost']);
  });
}

test('repeats a click on a control whose text differs only in white space', async ({ page }) => {
  await show(page, PULL);
  await page.locator('#a').click();
  await page.evaluate(`document.querySelector('#a span').textContent = ' Pull\\n'`);
  await hydrate(page);
  await expect(log(page)).toHaveText(['click a']);
});

test('does not send text that was typed after a submit with that submit', async ({ page }) => {
  await show(page, '<form><input name="q"><textarea name="r"></textarea><button>Go</button></form>');
  const [first, second] = [page.locator('input'), page.locator('textarea')];
  await first.fill('before');
  await button(page, 'Go').click();
  await first.fill('after');
  await second.fill('after');
  await hydrate(page);
  await expect(log(page)).toHaveText(['submit q=before r=']);
  await expect(first).toHaveValue('after');
  await expect(second).toHaveValue('after');
});

test('releases what was held for too long, so that it can be clicked again', async ({ page }) => {
  await show(page, PULL);
  await page.locator('#a').click();
  await expect(page.locator('#a')).toHaveAttribute('aria-busy', 'true');
  await page.clock.runFor(KEEP_MS + 1);
  await expect(page.locator('#a')).not.toHaveAttribute('aria-busy');
  await page.locator('#a').click();
  await hydrate(page);
  await expect(log(page)).toHaveText(['click a']);
});

test('drops a click that was held for too long', async ({ page }) => {
  await show(page, PULL);
  await page.locator('#a').click();
  await page.clock.runFor(KEEP_MS + 1);
  await hydrate(page);
  await expect(log(page)).toHaveText(['lost']);
});

test('drops a click from before the machine slept, although its monotonic clock stood still', async ({ page }) => {
  await show(page, PULL);
  await page.evaluate(() => {
    const now = performance.now();
    performance.now = () => now;
  });
  await page.locator('#a').click();
  await page.clock.setSystemTime(Date.now() + 3_600_000);
  await hydrate(page);
  await expect(log(page)).toHaveText(['lost']);
});
