/** update.sh on a real installation: a good update, the way back, one that fails, an interrupted one, two at once. */
import { randomBytes } from 'node:crypto';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '@/scripts/free-port';
import { start, type RunningProcess } from '../support/processes';
import { engine, IMAGE } from './support/engine';
import { expect, test } from './support/fixtures';
import { deriveImage, imageId } from './support/images';
import type { Installation } from './support/installation';

const FIVE_MINUTES_S = 300;
const AGENT_TOKEN = 'the-token-of-the-update-tests';
/** The next version: the same dashboard in another image. */
const GOOD = 'LABEL org.example.next=true';
/** Spoils the data and never answers. */
const BROKEN = `CMD ["sh", "-c", "echo spoilt > /data/nixfleet.db; rm -rf /data/secrets; exec sleep 600"]`;
/** Answers /health as a dashboard does, and nothing else: no agent can come back to it. */
const DEAF = `CMD ["node", "-e", "require('http').createServer((q, r) => { r.statusCode = q.url === '/health' ? 200 : 404; r.end('{}') }).listen(8000)"]`;

class Updated {
  constructor(
    readonly installation: Installation,
    readonly image: string,
    readonly agentUrl: string,
  ) {}

  /** Starts update.sh as an operator does. */
  run(args: readonly string[] = [], env: Record<string, string> = {}): RunningProcess {
    const script = join(this.installation.folder, 'update.sh');
    const { NIXFLEET_IMAGE: _image, ...inherited } = process.env;
    return start(script, ['--file', 'docker-compose.local.yml', '--loaded', ...args], { ...inherited, ...env });
  }

  /** Which image the container runs. */
  async runs(): Promise<string> {
    return engine('inspect', '--format', '{{.Image}}', await this.installation.container());
  }

  async agents(): Promise<string> {
    return this.installation.exec('node', '/app/health-check.mjs', '--agents');
  }

  /**
   * What the dashboard has stored, as `nixfleet check` counts it, and that it is sound. Without events and
   * measurements: a restore is an event itself, and agents that come back are measured.
   */
  async stored(): Promise<string> {
    const said = await this.installation.exec('nixfleet', 'check');
    expect(said).toContain('No problems found.');
    const rows = /^ {2}rows .*$/m.exec(said)?.[0] ?? '';
    expect(rows).toContain('hosts ');
    return rows.replace(/\b(events|metric_samples) \d+/g, '$1');
  }
}

const hosts = (rows: string) => Number(/\bhosts (\d+)/.exec(rows)?.[1]);

const updating = test.extend<{ updated: Updated }>({
  updated: async ({ containers }, use) => {
    const image = `nf-update-${randomBytes(4).toString('hex')}:local`;
    const port = await freePort();
    const installation = containers.install('docker-compose.local.yml', {
      NIXFLEET_IMAGE: image,
      NIXFLEET_PUBLISH: `127.0.0.1:${port}`,
      NIXFLEET_AGENT_TOKEN: AGENT_TOKEN,
    });
    copyFileSync('update.sh', join(installation.folder, 'update.sh'));
    await engine('tag', IMAGE, image);
    await installation.own();
    await installation.up();
    await installation.answers();
    await use(new Updated(installation, image, `ws://127.0.0.1:${port}/ws`));
    containers.afterwards(() => engine('rmi', '-f', image, image.replace('local', 'before-update')));
  },
});

const token = { NIXFLEET_TOKEN: AGENT_TOKEN };

updating('an update keeps the data and waits for the agents; --rollback undoes it', async ({ world, updated }) => {
  const before = await updated.runs();
  world.startAgent(world.makeHost('web'), updated, token);
  await expect.poll(() => updated.agents()).toBe('1');
  await deriveImage(updated.image, GOOD);

  const update = updated.run();
  expect(await update.ended, update.lines.join('\n')).toBe(0);
  expect(await updated.runs()).toBe(await imageId(updated.image));
  expect(await updated.runs()).not.toBe(before);
  const said = update.lines.join('\n');
  expect(said).toMatch(/^Backed up and checked: \/data\/update-backups\/\S+$/m);
  expect(said).toContain('1 agents are connected (before: 1).');
  const away = Number(/The dashboard was down for (\d+) s\./.exec(said)?.[1]);
  expect(away).toBeLessThan(FIVE_MINUTES_S);
  test.info().annotations.push({ type: 'away', description: `${away} s` });
  expect(hosts(await updated.stored())).toBe(1);

  // What comes after the update is not in the backup.
  world.startAgent(world.makeHost('late'), updated, token);
  await expect.poll(() => updated.agents()).toBe('2');
  await expect.poll(async () => hosts(await updated.stored())).toBe(2);

  const back = updated.run(['--rollback']);
  expect(await back.ended, back.lines.join('\n')).toBe(0);
  expect(await updated.runs()).toBe(before);
  expect(back.lines.join('\n')).toContain('Restored the data from /data/update-backups/');
  await expect.poll(() => updated.agents()).toBe('2');
  expect(await updated.run(['--rollback']).ended).toBe(1);
});

updating('an update that fails its health check is rolled back with its data', async ({ world, updated }) => {
  const before = await updated.runs();
  world.startAgent(world.makeHost('web'), updated, token);
  await expect.poll(async () => hosts(await updated.stored())).toBe(1);
  const stored = await updated.stored();
  await deriveImage(updated.image, BROKEN);

  const update = updated.run([], { NIXFLEET_UPDATE_HEALTH_TIMEOUT_S: '5' });
  expect(await update.ended, update.lines.join('\n')).toBe(1);
  expect(update.lines.join('\n')).toMatch(/did not answer within 5 s\. Restoring the old image and the data/);
  expect(await updated.runs()).toBe(before);
  expect(await updated.stored()).toBe(stored);
  // With the secret that the broken one removed, and the token by which the agent is known.
  await updated.installation.exec('test', '-s', '/data/secrets/encryption-key');
  await expect.poll(() => updated.agents()).toBe('1');
});

updating('an update is rolled back when the agents do not reconnect', async ({ world, updated }) => {
  const before = await updated.runs();
  world.startAgent(world.makeHost('web'), updated, token);
  await expect.poll(() => updated.agents()).toBe('1');
  await deriveImage(updated.image, DEAF);

  const update = updated.run([], { NIXFLEET_UPDATE_AGENTS_TIMEOUT_S: '3' });
  expect(await update.ended, update.lines.join('\n')).toBe(1);
  expect(update.lines.join('\n')).toContain('Only 0 of 1 agents reconnected within 3 s.');
  expect(await updated.runs()).toBe(before);
  await expect.poll(() => updated.agents()).toBe('1');
});

updating(
  'an interrupted update is recovered: at once after Ctrl-C, by the next run after a kill',
  async ({ updated }) => {
    const before = await updated.runs();
    const stored = await updated.stored();
    await deriveImage(updated.image, BROKEN);

    await test.step('Ctrl-C while the new one starts', async () => {
      const update = updated.run();
      await update.line(/^Starting /);
      expect(await update.end('SIGINT'), update.lines.join('\n')).toBe(130);
      expect(await updated.runs()).toBe(before);
      expect(await updated.stored()).toBe(stored);
    });

    await test.step('a kill at the same place; a second update beside it is refused; the next one puts it right', async () => {
      await deriveImage(updated.image, BROKEN);
      const update = updated.run();
      await update.line(/^Starting /);
      const second = updated.run();
      expect(await second.ended).toBe(1);
      expect(second.lines.join('\n')).toContain('Another update runs in this folder');
      await update.end('SIGKILL');

      const next = updated.run([], { NIXFLEET_UPDATE_HEALTH_TIMEOUT_S: '5' });
      expect(await next.ended, next.lines.join('\n')).toBe(0);
      expect(next.lines.join('\n')).toContain('An earlier update was interrupted, and the new version does not run.');
      expect(next.lines.join('\n')).toContain('is already running: nothing to do.');
      expect(await updated.runs()).toBe(before);
      expect(await updated.stored()).toBe(stored);
    });
  },
);
