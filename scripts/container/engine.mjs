// @ts-check
/** Finds the container engine for the tests: the configured one, Docker, or Podman. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** An optional script that sets an engine up and prints its variables. */
const SETUP = '../shared/container/setup';
const WANTED = ['CONTAINER_ENGINE', 'CONTAINER_COMPOSE', 'BUILDAH_ISOLATION'];
/** Podman's default image format does not support health checks. */
const ALWAYS = { BUILDAH_FORMAT: 'docker' };

/**
 * @param {string} root of the checkout
 * @returns {{ env: Record<string, string> } | { missing: string }} environment variables for the engine, or why there is none
 */
export function findEngine(root) {
  const { CONTAINER_ENGINE: engine = '', CONTAINER_COMPOSE: compose = '' } = process.env;
  if (engine !== '') {
    if (!answers(engine)) return { missing: `CONTAINER_ENGINE is "${engine}", which does not answer.` };
    return { env: { ...ALWAYS, CONTAINER_ENGINE: engine, CONTAINER_COMPOSE: compose || composeFor(engine) } };
  }
  if (answers('docker')) {
    return { env: { ...ALWAYS, CONTAINER_ENGINE: 'docker', CONTAINER_COMPOSE: composeFor('docker') } };
  }
  const setup = join(root, SETUP);
  if (existsSync(setup)) return { env: { ...ALWAYS, ...setUp(setup) } };
  if (answers('podman')) {
    return { env: { ...ALWAYS, CONTAINER_ENGINE: 'podman', CONTAINER_COMPOSE: composeFor('podman') } };
  }
  return { missing: 'No container engine answers: start Docker, or install Podman and podman-compose.' };
}

/** @param {string} engine */
function answers(engine) {
  return spawnSync(engine, ['info'], { stdio: 'ignore', timeout: 30_000 }).status === 0;
}

/** @param {string} engine */
function composeFor(engine) {
  const plugin = spawnSync(engine, ['compose', 'version'], { stdio: 'ignore' }).status === 0;
  return plugin ? `${engine} compose` : `${engine}-compose`;
}

/**
 * @param {string} setup
 * @returns {Record<string, string>}
 */
function setUp(setup) {
  const script = 'eval "$("$0")" && for name in "$@"; do printf "%s=%s\\n" "$name" "${!name-}"; done';
  const printed = execFileSync('bash', ['-c', script, setup, ...WANTED], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  /** @type {Record<string, string>} */
  const env = {};
  for (const [, name = '', value = ''] of printed.matchAll(/^(\w+)=(.+)$/gm)) env[name] = value;
  return env;
}
