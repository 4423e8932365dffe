// @ts-check
/** Environments: a demonstration must not meet the settings of a real installation, nor a person's git settings. */
import { OPTION_NAMES } from './stand-in/options.mjs';

/** Carried by every process of a demonstration, so that at its end none is overlooked. */
export const RUN_VARIABLE = 'FLEET_DEMO_RUN';

const OF_AN_INSTALLATION = /^(?:NIXFLEET_|NEXTAUTH_|AUTH_TRUST_HOST$)/;
/** These would point git at another repository, or into a debugger's file. */
const OF_GIT = /^GIT_/;

/**
 * The environment without what belongs to a real installation, and the names of what was left out and had a value.
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

/** Signing, hooks and templates of the person's own settings have no place in a throw-away repository. */
export const GIT_SETTINGS = { GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null', GIT_TERMINAL_PROMPT: '0' };
