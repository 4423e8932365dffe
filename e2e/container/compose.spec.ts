/** What the image is, what the compose files say, and what happens when the data folder is somebody else's. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '@/scripts/free-port';
import { findProgram } from '../../scripts/setup/requirements.mjs';
import { COMPOSE, engine, IMAGE, run } from './support/engine';
import { expect, test } from './support/fixtures';
import { asRoot } from './support/installation';

const BASE_IMAGE = process.env.BASE_IMAGE ?? 'node:24-bookworm-slim';
const MAX_LAYERS_BYTES = 200_000_000;
const HASH = '$2b$12$abcdefghijklmnopqrstuuSgSUsl4D5NF6qCKgcSQcRWm5pXcS0nW';

/** A real `docker compose config`: the engine's own, or Debian's package. */
async function dockerCompose(): Promise<readonly string[]> {
  if (COMPOSE[0] === 'docker') return COMPOSE;
  if (findProgram('docker-compose') === null && process.getuid?.() === 0 && findProgram('apt-get') !== null) {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    await run('apt-get', ['update'], { env });
    await run('apt-get', ['install', '--yes', '--no-install-recommends', 'docker-compose'], { env });
  }
  test.skip(findProgram('docker-compose') === null, 'docker-compose is not on this machine.');
  return ['docker-compose'];
}

test('docker compose accepts both files, and a hash keeps its dollar signs', async ({ containers }) => {
  const [command = '', ...first] = await dockerCompose();
  for (const file of ['docker-compose.yml', 'docker-compose.local.yml'] as const) {
    const { folder } = containers.install(file, {
      NIXFLEET_DOMAIN: 'fleet.barta.cm',
      NIXFLEET_PASSWORD_HASH: HASH,
    });
    const { NIXFLEET_IMAGE: _image, ...env } = process.env;
    const { code, stdout, stderr } = await run(command, [...first, '-f', file, 'config'], { cwd: folder, env });
    expect(code, stderr).toBe(0);
    expect(stdout).toContain(`NIXFLEET_PASSWORD_HASH: ${HASH.replaceAll('$', '$$$$')}`);
    if (file === 'docker-compose.yml') {
      expect(stdout).toContain('Host(`fleet.barta.cm`)');
      expect(stdout).toContain('NIXFLEET_BASE_URL: https://fleet.barta.cm');
      expect(stdout).not.toContain('published');
    }
  }
});

test('the image is small and labelled, and contains no build tools and no secrets', async () => {
  const size = async (image: string) => Number(await engine('image', 'inspect', '--format', '{{.Size}}', image));
  const layers = (await size(IMAGE)) - (await size(BASE_IMAGE));
  test.info().annotations.push({ type: 'layers above the base', description: `${(layers / 1e6).toFixed(0)} MB` });
  expect(layers).toBeGreaterThan(0);
  expect(layers).toBeLessThan(MAX_LAYERS_BYTES);

  const label = (name: string) =>
    engine('image', 'inspect', '--format', `{{index .Config.Labels "org.opencontainers.image.${name}"}}`, IMAGE);
  const version = readFileSync('VERSION', 'utf8').trim();
  expect(await label('version')).toBe(version);
  expect(await engine('run', '--rm', IMAGE, 'nixfleet', '--version')).toBe(version);
  expect(await engine('image', 'inspect', '--format', '{{.Config.User}}', IMAGE)).toBe('1000:1000');

  const found = await engine(
    ...['run', '--rm', '--entrypoint', '/bin/sh', IMAGE, '-c'],
    'for tool in npm npx corepack yarn gcc g++ make python3 esbuild; do command -v $tool || true; done; ' +
      'find / -xdev \\( -name ".env*" -o -name "*.pem" -path "/app/*" -o -name .git -o -name .npmrc \\) 2>/dev/null; ' +
      'env | grep -iE "token|secret|password" || true',
  );
  expect(found).toBe('');
});

test('startup fails with the fixing command when the data folder has another owner', async ({ containers }) => {
  const installation = containers.install('docker-compose.local.yml', {
    NIXFLEET_PUBLISH: `127.0.0.1:${await freePort()}`,
  });
  await asRoot(installation.folder, 'chown 0:0 /mnt/data && chmod 700 /mnt/data');
  await installation.up();
  await expect.poll(() => installation.log()).toContain('is not writable');
  const log = await installation.log();
  const [, command = ''] = /then start again: sudo (chown -R 1000:1000 \.\/data)$/m.exec(log) ?? [];
  expect(command, log).not.toBe('');

  // The very command, as root, beside the compose file.
  await asRoot(installation.folder, `cd /mnt && ${command}`);
  await installation.compose('down');
  await installation.up();
  await installation.answers();
  expect(await engine('exec', await installation.container(), 'stat', '-c', '%u', join('/data', 'nixfleet.db'))).toBe(
    '1000',
  );
});
