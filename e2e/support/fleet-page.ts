/** The fleet page, in the words of the one who uses it. */
import { expect, type Locator, type Page } from '@playwright/test';

export class FleetPage {
  constructor(private readonly page: Page) {}

  row(host: string): Locator {
    return this.page.locator(`[data-testid="host-row"][data-host="${host}"]`);
  }

  /** Selects hosts, once all of them have their row: a row that comes in between moves the others under the pointer. */
  async select(...hosts: string[]): Promise<void> {
    for (const host of hosts) await expect(this.row(host)).toBeVisible();
    for (const host of hosts) await this.row(host).getByRole('checkbox').check();
  }

  compartment(host: string, name: 'agent' | 'git' | 'lock' | 'system' | 'tests'): Locator {
    return this.row(host).locator(`[data-compartment="${name}"]`);
  }

  async press(host: string, operation: string): Promise<void> {
    await this.row(host).getByRole('button', { name: operation, exact: true }).click();
  }

  /** Opens the output of what the host does now, or did last. */
  async openOutput(host: string, label: string): Promise<void> {
    await this.row(host)
      .getByRole('button', { name: new RegExp(`^${label}:? .+`) })
      .click();
    await expect(this.drawer).toBeVisible();
  }

  get drawer(): Locator {
    return this.page.getByTestId('output-drawer');
  }

  get commandState(): Locator {
    return this.drawer.getByTestId('command-state');
  }

  line(seq: number): Locator {
    return this.drawer.locator(`[data-testid="output-line"][data-seq="${seq}"]`);
  }

  async expectOutcome(...outcomes: string[]): Promise<void> {
    await expect(this.commandState).toHaveAttribute('data-outcome', new RegExp(`^(${outcomes.join('|')})$`));
  }
}
