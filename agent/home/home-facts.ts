/**
 * Which generations of Home Manager the profile has, and which one is active, read from links. The profile alone does not
 * tell: home-manager sets it before the activation, and leaves it there when that fails.
 */
import { accessSync, constants, existsSync, readdirSync, readlinkSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

export interface HomeGeneration {
  number: number;
  /** Its store path; '' where the garbage collector removed it. */
  path: string;
}

export interface HomeFacts {
  /** The generation that the profile points at; null when it can't be read. */
  current: HomeGeneration | null;
  /** Every generation of the profile, the newest first. */
  generations: readonly HomeGeneration[];
  /**
   * The store path of the generation whose files Home Manager linked last, by the link that its activation sets: after
   * the links in earlier versions, at the end of all steps in newer ones. '' where there is none.
   */
  linked: string;
}

export interface HomeFactsOptions {
  /** The profile: a link to `<profile>-<number>-link`. */
  profile: string;
  /** The environment of the activation. */
  env: NodeJS.ProcessEnv;
}

export function readHome({ profile, env }: HomeFactsOptions): HomeFacts {
  const generations = readGenerations(profile);
  const name = linkTarget(profile);
  const current = generations.find(({ number }) => name === `${basename(profile)}-${number}-link`) ?? null;
  return { current, generations, linked: realPath(join(stateHome(env), 'home-manager', 'gcroots', 'current-home')) };
}

/** Whether its activation script can be run. */
export function isUsable({ path }: HomeGeneration): boolean {
  try {
    accessSync(join(path, 'activate'), constants.X_OK);
    return path !== '';
  } catch {
    return false;
  }
}

/** Whether its activation leaves the profile alone when it is told so: packages of before that always set the profile. */
export const knowsDriverVersions = ({ path }: HomeGeneration): boolean => existsSync(join(path, 'gen-version'));

/** XDG Base Directory Specification: where state of the user is kept. */
function stateHome(env: NodeJS.ProcessEnv): string {
  return env['XDG_STATE_HOME'] || join(env['HOME'] ?? '', '.local', 'state');
}

function readGenerations(profile: string): HomeGeneration[] {
  const prefix = `${basename(profile)}-`;
  let names: string[];
  try {
    names = readdirSync(dirname(profile));
  } catch {
    return [];
  }
  return names
    .flatMap((name) => {
      const number = name.startsWith(prefix) ? /^(\d{1,9})-link$/.exec(name.slice(prefix.length))?.[1] : undefined;
      return number === undefined ? [] : [{ number: Number(number), path: realPath(join(dirname(profile), name)) }];
    })
    .sort((a, b) => b.number - a.number);
}

function linkTarget(link: string): string {
  try {
    return basename(readlinkSync(link));
  } catch {
    return '';
  }
}

function realPath(link: string): string {
  try {
    return realpathSync(link);
  } catch {
    return '';
  }
}
