/** The demonstration as a process, and the sign-in to it. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, type Page } from '@playwright/test';
import { plainEnvironment, start } from './processes';

export interface Demo {
  address: string;
  /** Ends it; nothing is left behind. */
  end(): Promise<void>;
}

/** Starts it, waits until its hosts are connected, and signs in. `options`: those of the fake programs. */
export async function openDemo(page: Page, options: Record<string, string>): Promise<Demo> {
  const folder = mkdtempSync(join(tmpdir(), 'nixfleet-e2e-demo-'));
  const demo = start('node', ['scripts/launch.mjs', 'demo'], plainEnvironment({ TMPDIR: folder, ...options }));
  const end = async (): Promise<void> => {
    expect(await demo.end('SIGINT')).toBe(0);
    expect(readdirSync(folder)).toEqual([]);
    rmSync(folder, { recursive: true });
  };
  try {
    await demo.line(/All 6 hosts are connected\./);
    const [, address = ''] = await demo.line(/(http:\/\/[^\s/]+:\d+)/);
    const [, password = ''] = await demo.line(/Password: +(\S+)/);
    await page.goto(address);
    await page.getByRole('textbox', { name: 'Password' }).fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect(page.getByTestId('host-row')).toHaveCount(6);
    return { address, end };
  } catch (error) {
    await demo.end('SIGINT');
    throw error;
  }
}
