/**
 * The flake of the configuration repository: its reference for Nix (nix.dev, "nix flake", "Flake references"), and which
 * of its attributes is this host.
 */
import { join } from 'node:path';
import { z } from 'zod';
import type { AgentConfig } from './config';
import type { AgentLog } from './log';
import type { Shell } from './shell';

const EVALUATE_TIMEOUT_MS = 2 * 60_000;
/** For every call of `nix`: some hosts have not enabled what it needs. */
export const NIX_FEATURES = ['--extra-experimental-features', 'nix-command flakes'];
const attributeNames = z.array(z.string());

export interface FlakeOptions {
  config: Pick<
    AgentConfig,
    'repoDir' | 'flakeDir' | 'flakeAttribute' | 'submodules' | 'hostname' | 'machineName' | 'hostType'
  >;
  log: AgentLog;
}

/** A flake in one place: the clone as it is, or a commit. */
export interface FlakeSource {
  /**
   * The name of this host's attribute: the configured one; else the configured host name; else the machine's name, in
   * lower case where the flake has that.
   */
  attribute: (shell: Shell) => Promise<string>;
  /** `reference#attribute`. */
  installable: (attribute: string) => string;
  /** Options of Nix for whatever is built from it. */
  options: readonly string[];
}

export interface Flake extends FlakeSource {
  /** The folder that holds flake.nix. */
  folder: string;
  outputs: string;
  /** The flake at a commit of a repository on this machine, whatever that repository is at. */
  pinned: (repository: string, commit: string) => FlakeSource;
}

export function createFlake({ config, log }: FlakeOptions): Flake {
  const { hostname, machineName } = config;
  const outputs = config.hostType === 'nixos' ? 'nixosConfigurations' : 'homeConfigurations';
  let reported = '';

  function report(shell: Shell, line: string): void {
    shell.say(line, 'stderr');
    if (line !== reported) log.warn(line);
    reported = line;
  }

  function sourceAt(reference: string, options: readonly string[]): FlakeSource {
    return {
      options,
      installable: (attribute) => `${reference}#${attribute}`,
      async attribute(shell) {
        if (config.flakeAttribute !== '') return config.flakeAttribute;
        if (machineName === '' || machineName === hostname) return hostname;
        const known = await names(shell, reference, options);
        if (known === null) return hostname;
        const [lower, asIs] = [known.includes(hostname), known.includes(machineName)];
        if (lower && asIs)
          report(
            shell,
            `The flake has both ${outputs}."${hostname}" and ${outputs}."${machineName}": "${hostname}" is used. Set NIXFLEET_FLAKE_ATTRIBUTE to choose.`,
          );
        if (!lower && !asIs)
          report(
            shell,
            `The flake has neither ${outputs}."${hostname}" nor ${outputs}."${machineName}": set NIXFLEET_FLAKE_ATTRIBUTE to the one of this host.`,
          );
        return asIs && !lower ? machineName : hostname;
      },
    };
  }

  /** The names below `nixosConfigurations` or `homeConfigurations`; null when Nix can't tell. */
  async function names(shell: Shell, reference: string, options: readonly string[]): Promise<readonly string[] | null> {
    const run = await shell.run(
      'nix',
      [...NIX_FEATURES, 'eval', ...options, '--json', `${reference}#${outputs}`, '--apply', 'builtins.attrNames'],
      { quiet: true, timeoutMs: EVALUATE_TIMEOUT_MS },
    );
    if (!run.ok) return null;
    try {
      return attributeNames.parse(JSON.parse(run.stdout.join('\n')));
    } catch {
      return null;
    }
  }

  return {
    ...sourceAt(flakeReference(config), []),
    folder: join(config.repoDir, config.flakeDir),
    outputs,
    pinned: (repository, commit) => sourceAt(pinnedReference(config, repository, commit), PINNED_OPTIONS),
  };
}

/** Nix finds the repository of a path by itself; only an address can ask for submodules. */
function flakeReference({ repoDir, flakeDir, submodules }: FlakeOptions['config']): string {
  if (!submodules) return flakeDir === '' ? repoDir : `${repoDir}/${flakeDir}`;
  return `git+file://${inAddress(repoDir)}?submodules=1${flakeDir === '' ? '' : `&dir=${inAddress(flakeDir)}`}`;
}

/** An input that the committed flake.lock does not name would be chosen while it is built. */
const PINNED_OPTIONS = ['--no-update-lock-file'];

function pinnedReference({ flakeDir, submodules }: FlakeOptions['config'], repository: string, commit: string): string {
  const more = [...(submodules ? ['submodules=1'] : []), ...(flakeDir === '' ? [] : [`dir=${inAddress(flakeDir)}`])];
  return `git+file://${inAddress(repository)}?${[`rev=${commit}`, ...more].join('&')}`;
}

const inAddress = (path: string): string => path.split('/').map(encodeURIComponent).join('/');
