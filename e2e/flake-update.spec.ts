/** A flake update, from the pull request that is opened to the merge, with a fake forge. */
import { FakeForge, FAKE_FORGE_TOKEN } from '@/lib/forge/testing/fake-forge';
import { expectAccessible } from './support/accessible';
import { expect, test } from './support/fixtures';
import { FleetPage } from './support/fleet-page';
import { PASSWORD_ONLY, provePassword, signInWithPassword } from './support/operator';
import { FAKE_FORGE_REPO } from '@/lib/forge/testing/fake-responses';

const DAY_S = 86_400;

const lock = (rev: string, at: number) =>
  JSON.stringify({
    version: 7,
    root: 'root',
    nodes: {
      root: { inputs: { nixpkgs: 'nixpkgs', nixfleet: 'nixfleet' } },
      nixpkgs: {
        locked: { type: 'github', owner: 'NixOS', repo: 'nixpkgs', rev, lastModified: at, narHash: `sha256-${rev}` },
        original: { type: 'github', owner: 'NixOS', repo: 'nixpkgs', ref: 'nixos-unstable' },
      },
      nixfleet: {
        inputs: { nixpkgs: ['nixpkgs'] },
        locked: { type: 'github', owner: 'ada', repo: 'nixfleet', rev: 'd'.repeat(40), lastModified: at },
        original: { type: 'github', owner: 'ada', repo: 'nixfleet' },
      },
    },
  });

for (const dialect of ['github', 'forgejo'] as const) {
  test(`a flake update on ${dialect} appears, shows its changes and is merged`, async ({ page, world }) => {
    const forge = new FakeForge(dialect);
    await forge.start();
    const dashboard = world.makeDashboard({
      ...PASSWORD_ONLY,
      ...(dialect === 'github'
        ? {
            NIXFLEET_GITHUB_API_URL: forge.url,
            NIXFLEET_GITHUB_REPO: FAKE_FORGE_REPO,
            NIXFLEET_GITHUB_TOKEN: FAKE_FORGE_TOKEN,
            NIXFLEET_GITHUB_POLL_TTL: '10s',
          }
        : {
            NIXFLEET_FORGEJO_URL: forge.url,
            NIXFLEET_FORGEJO_REPO: FAKE_FORGE_REPO,
            NIXFLEET_FORGEJO_TOKEN: FAKE_FORGE_TOKEN,
            NIXFLEET_FORGEJO_POLL_TTL: '10s',
          }),
    });
    try {
      await dashboard.start();
      await signInWithPassword(page, dashboard.url);
      // The other forge's update is shown while there is no host yet.
      if (dialect === 'github') {
        world.startAgent(world.makeHost('web'), dashboard);
        await expect(new FleetPage(page).row('web')).toBeVisible();
      }
      const panel = page.getByTestId('flake-update');
      await expect(panel).toHaveCount(0);

      // It is opened while the page is open: the page shows it without a reload.
      const now = Math.floor(Date.now() / 1_000);
      const pull = forge.addPull({
        createdAt: new Date((now - 7_200) * 1_000).toISOString(),
        checks: [{ status: 'completed', conclusion: 'failure' }],
      });
      forge.setFile('main', 'flake.lock', lock('a'.repeat(40), now - 9 * DAY_S));
      forge.setFile(pull.headSha, 'flake.lock', lock('b'.repeat(40), now - 2 * DAY_S));
      await page
        .getByTestId('status-line')
        .getByRole('button', { name: /^Update #1/ })
        .click();
      await expect(panel).toContainText('#1 flake.lock: Update');
      await expect(panel).toContainText('nixpkgs changes · opened 2h ago');
      await expect(panel).toContainText('1 check failed');
      const deploy = panel.getByRole('button', { name: 'Merge and deploy …' });
      if (dialect === 'github') await expect(deploy).toBeEnabled();
      else await expect(deploy).toBeDisabled();

      const more = panel.getByRole('button', { name: 'Show changes' });
      await expect(more).toHaveAttribute('aria-expanded', 'false');
      await more.focus();
      await page.keyboard.press('Enter');
      const input = panel.locator('[data-input="nixpkgs"]');
      await expect(input).toContainText('aaaaaaa');
      await expect(input).toContainText('9d ago');
      await expect(input).toContainText('bbbbbbb');
      await expect(input).toContainText('2d ago');
      await expectAccessible(page, 'the panel');

      // Only what the operator looked at is merged.
      await panel.getByRole('button', { name: 'Merge …' }).click();
      const dialog = page.getByRole('dialog', { name: 'Merge flake update #1' });
      await expect(dialog).toContainText('1 check failed: hosts may not build or start after switching to it.');
      await expect(dialog.locator('[data-input="nixpkgs"]')).toContainText('bbbbbbb');
      await expectAccessible(page, 'the dialog');
      const first = pull.headSha;
      pull.headSha = forge.newSha();
      pull.checks = [{ status: 'completed', conclusion: 'success' }];
      forge.setFile(pull.headSha, 'flake.lock', lock('c'.repeat(40), now - DAY_S));
      await expect(dialog).toContainText('The pull request has changed since you opened this dialog.', {
        timeout: 30_000,
      });
      expect(first).not.toBe(pull.headSha);
      await dialog.getByRole('button', { name: 'Show the current version' }).click();
      await expect(dialog.locator('[data-input="nixpkgs"]')).toContainText('ccccccc');

      // A refusal by the forge is shown in the dialog whose button was pressed.
      pull.mergeableState = 'blocked';
      const merge = async () => {
        await dialog.getByRole('button', { name: 'Merge', exact: true }).click();
        await provePassword(page);
      };
      await merge();
      await expect(dialog.getByRole('alert')).toContainText(/rules of the branch|Does not have enough approvals/);
      pull.mergeableState = 'clean';
      await merge();
      await expect(dialog).toHaveCount(0);
      await expect(panel).toHaveCount(0);
      await expect(page.getByText('Merged flake update #1')).toBeVisible();
      expect(pull.merged).toBe(true);

      await page.goto(`${dashboard.url}/activity`);
      await expect(
        page.getByText(/Flake update #1 \(flake\.lock: Update\) of ada\/nixcfg at \w+ was merged as/),
      ).toBeVisible();
      await expect(page.getByText(/Flake update #1 .* was not merged: /)).toBeVisible();

      await page.goto(`${dashboard.url}/settings/forge`);
      await expect(page.getByText('None open')).toBeVisible();
      await expect(page.getByRole('main')).not.toContainText(FAKE_FORGE_TOKEN);
      forge.intercept = () => ({ status: 401, body: '{"message":"Bad credentials"}' });
      await page.getByRole('button', { name: 'Check now' }).click();
      await expect(
        page.getByRole('main').getByText(/refuses the token .* Set NIXFLEET_(GITHUB|FORGEJO)_TOKEN to a valid one\./),
      ).toBeVisible();
      await expectAccessible(page, 'the settings of the forge');
      expect(dashboard.lines.join('\n')).not.toContain(FAKE_FORGE_TOKEN);
    } finally {
      await forge.stop();
    }
  });
}

test('without a forge, the settings show how to configure one', async ({ page, world }) => {
  const dashboard = world.makeDashboard(PASSWORD_ONLY);
  await dashboard.start();
  await signInWithPassword(page, dashboard.url);
  await page.goto(`${dashboard.url}/settings/forge`);
  await expect(page.getByText('No forge configured')).toBeVisible();
  await expect(page.getByText('NIXFLEET_GITHUB_REPO=owner/name')).toBeVisible();
  await expectAccessible(page, 'the settings without a forge');
});
