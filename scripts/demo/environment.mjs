// @ts-check
/** The environment of a demo: without the settings of a real installation and without a person's git settings. */
import { OPTION_NAMES } from './fake-nix/options.mjs';

/** Set for every process of a demo, so that all of them are found at its end. */
export const RUN_VARIABLE = 'FLEET_DEMO_RUN';

const OF_AN_INSTALLATION = /^(?:NIXFLEET_|NEXTAUTH_|AUTH_TRUST_HOST$)/;
/** These could point git at another repository or make it write traces. */
const OF_GIT = /^GIT_/;

/**
 * The environment without the settings of a real installation, and the names of those that were dropped and had a value.
 * @param {NodeJS.ProcessEnv} env
 * @returns {{ env: NodeJS.ProcessEnv, dropped: string[] }}
 */
export function cleanEnvironment(env) {
  const names = Object.keys(env).filter((name) => OF_AN_INSTALLATION.test(name) && !OPTION_NAMES.includes(name));
  const kept = Object.entries(env).filter(([name]) => !names.includes(name) && !OF_GIT.test(name));
  return {
    env: { NODE_ENV: 'production', ...Object.fromEntries(kept), ...GIT_SETTINGS },
    dropped: names.filter((name) => env[name] !== '').sort(),
  };
}

/** A person's signing, hooks and templates must not apply to a throw-away repository. */
export const GIT_SETTINGS = { GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null', GIT_TERMINAL_PROMPT: '0' };
