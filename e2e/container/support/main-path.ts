/** The one main path: what an operator does on the first day, up to a restart of the container. */
import { existsSync, writeFileSync } from 'node:fs';
import { expect, test, type Page } from '@playwright/test';
import type { AgentProcess, TestHost } from '@/agent/testing/host';
import { FleetPage } from '../../support/fleet-page';
import { engine } from './engine';
import type { Installation } from './installation';

/** The dashboard promises to end within 10 s; the engine itself takes a moment on a busy machine. */
const STOP_WITHIN_MS = 12_000;

export interface MainPath {
  page: Page;
  installation: Installation;
  host: TestHost;
  startAgent: () => AgentProcess;
  signIn: () => Promise<unknown>;
}

/** A host whose switch prints, waits until its gate is opened, and prints the rest. */
export function switchWithGate(host: TestHost): { open: () => void; started: () => boolean } {
  const gate = host.path('go-on');
  const begun = host.path('begun');
  host.program(
    'nixos-rebuild',
    [
      'i=1; while [ $i -le 200 ]; do echo "building $i"; i=$((i+1)); done',
      `: > '${begun}'`,
      `until [ -e '${gate}' ]; do echo "still building" >/dev/null; sleep 0.05; done`,
      'while [ $i -le 400 ]; do echo "building $i"; i=$((i+1)); done',
    ].join('\n'),
  );
  return { open: () => writeFileSync(gate, ''), started: () => existsSync(begun) };
}

export async function walkMainPath({ page, installation, host, startAgent, signIn }: MainPath): Promise<void> {
  const fleet = new FleetPage(page);
  const gate = switchWithGate(host);
  await test.step('sign in with password and second factor', signIn);

  let agent: AgentProcess | null = null;
  await test.step('an agent connects, and the browser sees it without a reload', async () => {
    agent = startAgent();
    await expect(fleet.row(host.name)).toBeVisible();
    await expect(fleet.compartment(host.name, 'git')).toHaveAttribute('data-status', 'ok');
  });

  await test.step('a command runs and shows its output', async () => {
    await fleet.press(host.name, 'Pull');
    await expect(fleet.line(1)).toBeVisible();
    await fleet.expectOutcome('unchanged');
  });

  await test.step('a switch runs while the container stops: in time, with 0, and with a goodbye', async () => {
    await fleet.press(host.name, 'Switch');
    await expect(fleet.drawer.getByText('building 200', { exact: true })).toBeVisible();
    expect(gate.started()).toBe(true);
    const startedAt = Date.now();
    await installation.compose('stop');
    expect(Date.now() - startedAt).toBeLessThan(STOP_WITHIN_MS);
    const id = await installation.container();
    expect(await engine('inspect', '--format', '{{.State.ExitCode}}', id)).toBe('0');
    await expect.poll(() => agent?.log()).toMatch(/the connection closed \(1001/);
    await expect(page.getByTestId('connection')).not.toHaveAttribute('data-state', 'live');
  });

  await test.step('the container starts again: agent and browser come back, and the switch went on', async () => {
    await installation.compose('start');
    await expect(page.getByTestId('connection')).toHaveAttribute('data-state', 'live');
    await expect(fleet.compartment(host.name, 'agent')).toHaveAttribute('data-status', 'ok');
    await expect(fleet.commandState).toHaveAttribute('data-phase', 'running');
    gate.open();
    await fleet.expectOutcome('succeeded');
    await expect(fleet.drawer.getByText('building 400', { exact: true })).toBeVisible();
    await expect(fleet.compartment(host.name, 'system')).toHaveAttribute('data-status', 'ok');
  });

  await test.step('everything is still there', async () => {
    await page.reload();
    await expect(page.getByTestId('connection')).toHaveAttribute('data-state', 'live');
    await expect(fleet.row(host.name)).toBeVisible();
    await fleet.openOutput(host.name, 'Switch');
    await fleet.expectOutcome('succeeded');
    await expect(fleet.drawer.getByText('building 400', { exact: true })).toBeVisible();
  });
}
