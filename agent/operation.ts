/** The types of an operation: its context and its result. */
import { join } from 'node:path';
import type { Compartments, CompartmentReport } from './compartments';
import type { AgentConfig } from './config';
import type { Flake } from './flake';
import type { BuildCgroup } from './nixos/build-cgroup';
import type { ConfirmationLink } from './nixos/confirmed/confirmation-link';
import type { RootHelper } from './nixos/root-helper';
import type { PolicyState } from './policy/policy-file';
import type { Repository } from './repository';
import type { RunOptions, Shell } from './shell';
import type { RolledBackReason } from '@/lib/protocol/agent/confirmation';
import type { RefusedReason } from '@/lib/protocol/agent/host-policy';
import type { NixPhase } from '@/lib/text/nix-progress';

export type Phase = 'pull' | 'system' | 'tests' | NixPhase;
/** The progress of a build is sent at most this often. */
export const PROGRESS_MS = 250;
export type PhaseStatus = 'in_progress' | 'complete' | 'error';

export interface OperationContext {
  shell: Shell;
  progress: (phase: Phase, current: number, total: number, status: PhaseStatus) => void;
  /** True once this command is being stopped. */
  stopping: () => boolean;
  /** The id that the dashboard gave it; null without one. */
  commandId: string | null;
  command: string;
  /** The number of the generation that it names; null for most commands. */
  generation: number | null;
  /** The dashboard confirms the switch, within so many seconds of its activation; null: it does not. */
  confirm: { windowS: number } | null;
  /** What this host accepts, as it was when the command began. */
  policy: PolicyState;
  /** Number of the last line of its output. */
  lastSeq: () => number;
  /** While it is held, it continues when it is stopped and when the agent ends; null: no longer. */
  hold: (held: HeldOperation | null) => void;
}

/** A part of an operation that can't be stopped. */
export interface HeldOperation {
  /** Why it is not stopped, and what to do: the answer to a stop. */
  reason: string;
  /** Ends it all the same. Gives a sentence when that is not possible. */
  kill: () => Promise<string | null>;
}

export interface OperationEnd {
  status: 'ok' | 'error' | 'warning';
  exitCode: number;
  message: string;
  /** A switch activated a new system: this process ends, so that the new unit starts the new agent. */
  switched?: boolean;
  /** The previous system runs again. */
  rolledBack?: RolledBackReason | undefined;
  /** The policy of the host refused it. */
  refusal?: RefusedReason | undefined;
  /** There is no result yet: this process ends, and the next one goes on with the command. */
  handover?: boolean;
  /** Called once the result is saved. */
  settle?: (() => Promise<void>) | undefined;
}

export type AgentOperation = (context: OperationContext) => Promise<OperationEnd>;

export interface OperationHost {
  config: AgentConfig;
  repository: Repository;
  flake: Flake;
  compartments: Compartments;
  /** The environment of every child. */
  env: NodeJS.ProcessEnv;
  /** Path of the running program. */
  program: string;
  /** The file of the agent's unit; null where the service manager itself starts a new agent (launchd). */
  unit: string | null;
  /** Its text when this process started. */
  unitAtStart: string;
  /** Checks the age of flake.lock again. */
  refreshLock: () => Promise<CompartmentReport>;
  /** What activates systems as root; null where the agent has to call nixos-rebuild. */
  rootHelper: () => RootHelper | null;
  confirmations: ConfirmationLink;
  /** Limits the memory of builds; null without a limit. */
  buildCgroup: BuildCgroup | null;
}

export const ok = (message = ''): OperationEnd => ({ status: 'ok', exitCode: 0, message });
export const error = (exitCode: number, message: string): OperationEnd => ({ status: 'error', exitCode, message });
export const shortCommit = (commit: string): string => commit.slice(0, 7);

/** Options for a program that must survive the agent: on macOS the activation restarts the agent through launchd. */
export function outliving(host: OperationHost): RunOptions {
  const folder = join(host.config.stateDir, 'output');
  return { outputFiles: { stdout: join(folder, 'stdout'), stderr: join(folder, 'stderr') } };
}
