/** Facts that stay the same while the agent runs: the program and the operating system. */
import { createHash } from 'node:crypto';
import { readFileSync, realpathSync } from 'node:fs';
import type { AgentConfig } from './config';

// Replaced by scripts/build-agent.mjs; undefined when the sources run unbundled.
declare const __NIXFLEET_VERSION__: string | undefined;
declare const __NIXFLEET_SOURCE_COMMIT__: string | undefined;

export const AGENT_VERSION = typeof __NIXFLEET_VERSION__ === 'string' ? __NIXFLEET_VERSION__ : 'dev';
/** The commit that the bundle was built from, or '' when unknown: then no comparison is made. */
const SOURCE_COMMIT = typeof __NIXFLEET_SOURCE_COMMIT__ === 'string' ? __NIXFLEET_SOURCE_COMMIT__ : '';

export interface ProgramFacts {
  osVersion: string;
  sourceCommit: string;
  /** The real path of the running program. */
  storePath: string;
  /** SHA-256 of that file at the start, in hex. */
  binaryHash: string;
}

export function readProgramFacts(program: string): ProgramFacts {
  let storePath = program;
  let binaryHash = '';
  try {
    storePath = realpathSync(program);
    binaryHash = createHash('sha256').update(readFileSync(storePath)).digest('hex');
  } catch {
    // The file was replaced or removed while this process started: its hash is unknown.
  }
  return { osVersion: readOsVersion(process.platform), sourceCommit: SOURCE_COMMIT, storePath, binaryHash };
}

function readOsVersion(platform: NodeJS.Platform): string {
  const [path, pattern] =
    platform === 'darwin'
      ? ['/System/Library/CoreServices/SystemVersion.plist', /<key>ProductVersion<\/key>\s*<string>([^<]*)<\/string>/]
      : (['/etc/os-release', /^VERSION_ID=["']?([^"'\n]*)["']?$/m] as const);
  return pattern.exec(readText(path))?.[1]?.trim() || 'unknown';
}

/** The configured version, else the running system's. Read each time, because a switch changes it. */
export function readNixpkgsVersion(config: AgentConfig): string {
  return config.nixpkgsVersion || readText('/run/current-system/nixos-version').trim();
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
