/** How a simulated agent behaves: how long a command takes, what it prints and how it ends, unusual endings included. */
import type { WireCommand } from '@/lib/protocol/agent/wire-commands';

/** Every way in which a command may end, and what the dashboard sees of it (docs/protocol.md). */
export const ENDINGS = {
  succeeds: 'status ok; after a switch on NixOS the process restarts',
  fails: 'status error with the exit code',
  silent: 'the work ends without a status and without an extra heartbeat',
  'status-twice': 'the status is sent twice',
  'late-output': 'some output follows the status, as after an isolated pull (protocol 2)',
  crashes: 'the connection breaks during the work (1006); a new process starts and does not know the command',
  'killed-by-switch': 'the process ends during the work (1000) and a new binary starts: a successful switch on macOS',
  hangs: 'the work does not end until it is stopped or killed',
} as const;
export type ScriptedEnding = keyof typeof ENDINGS;

/** What follows a `stop` of a running command in protocol 2. */
export const STOP_ENDINGS = {
  'result-and-exit': 'status stopped, then the process restarts (NixOS)',
  exit: 'the process restarts without a status (NixOS, the other outcome of the race)',
  'two-results': 'status stopped, then status error -1 of the same command (macOS)',
} as const;
export type StopEnding = keyof typeof STOP_ENDINGS;

/** Maximum output of one command. */
export const MAX_LINES = 200_000;

/** How a host that tries a new system ends the trial. */
export const TRIAL_ENDINGS = {
  passes: 'its checks pass, so that the dashboard keeps the system',
  'check-fails': 'a check fails, and the host goes back',
  waits: 'a check stays pending until an operator answers or the time is over',
} as const;
export type TrialEnding = keyof typeof TRIAL_ENDINGS;

/** A confirmed switch, from the end of the build on. */
export interface TrialBehaviour {
  /** How long the activation takes, and the agent to come back after it, in milliseconds. */
  activationMs: number;
  checksMs: number;
  /** Between the answer or the failure and the result. */
  endMs: number;
  ending: TrialEnding;
}

export interface CommandBehaviour {
  /** Duration of the work in milliseconds. */
  durationMs: number;
  /** Lines of output of the work. */
  lines: number;
  /** The text of line `number`, from 1. */
  line: (number: number) => string;
  ending: ScriptedEnding;
  /** The exit code when it fails. */
  exitCode: number;
  /** The work begins once this is fulfilled, also where the command is stopped before. Without it: at once. */
  held?: Promise<void>;
}

export interface Behaviour {
  /** By command; what is absent is as in `standard`. */
  commands: Partial<Record<WireCommand, Partial<CommandBehaviour>>>;
  standard: CommandBehaviour;
  trial: TrialBehaviour;
  /** Every duration of a command's work is multiplied by this. */
  pace: number;
  stop: StopEnding;
  /** Between the status of a switch and the end of the process. */
  exitDelayMs: number;
  /** Between the end of the process and its next start by the service manager. */
  restartMs: number;
  /** Between the command `reboot` and the end of the connection. */
  rebootDelayMs: number;
  /** How long a reboot takes. */
  rebootMs: number;
}

const PACKAGES = [
  'linux-6.18',
  'systemd-259',
  'firefox-147.0',
  'openssl-3.6.0',
  'nixfleet-agent',
  'etc',
  'home-manager',
];

/** A line in the form that nix prints. */
export function buildLine(number: number): string {
  const name = PACKAGES[number % PACKAGES.length] ?? 'system';
  const hash = ((number * 2_654_435_761) >>> 0).toString(36).padStart(7, '0');
  switch (number % 4) {
    case 0:
      return `building '/nix/store/${hash}-${name}.drv'...`;
    case 1:
      return `copying path '/nix/store/${hash}-${name}' from 'https://cache.example.com'...`;
    case 2:
      return `\u001b[1m${name}>\u001b[0m ${hash}: \u001b[32mok\u001b[0m`;
    default:
      return `${name}> [${number}] compiling src/${hash}.c`;
  }
}

/** Like a healthy real host. */
export const REALISTIC: Behaviour = {
  commands: {
    pull: { durationMs: 2_000, lines: 8 },
    switch: { durationMs: 12_000, lines: 120 },
    'pull-switch': { durationMs: 14_000, lines: 130 },
    test: { durationMs: 6_000, lines: 40 },
    rollback: { durationMs: 5_000, lines: 20 },
    'force-update': { durationMs: 15_000, lines: 120 },
    'refresh-system': { durationMs: 5_000, lines: 1 },
  },
  standard: { durationMs: 1_000, lines: 2, line: buildLine, ending: 'succeeds', exitCode: 1 },
  trial: { activationMs: 6_000, checksMs: 8_000, endMs: 2_000, ending: 'passes' },
  pace: 1,
  stop: 'result-and-exit',
  exitDelayMs: 500,
  restartMs: 3_000,
  rebootDelayMs: 3_000,
  rebootMs: 20_000,
};

/** Without any delay. */
export const PROMPT: Behaviour = {
  commands: {},
  standard: { ...REALISTIC.standard, durationMs: 0, lines: 3 },
  trial: { activationMs: 0, checksMs: 0, endMs: 0, ending: 'passes' },
  pace: 1,
  stop: 'result-and-exit',
  exitDelayMs: 0,
  restartMs: 0,
  rebootDelayMs: 0,
  rebootMs: 0,
};

/** The behaviour for one command. Throws when a number is out of bounds. */
export function behaviourOf(behaviour: Behaviour, command: WireCommand): CommandBehaviour {
  const { commands, standard, pace } = behaviour;
  const found = { ...standard, ...commands[command] };
  found.durationMs *= pace;
  if (!Number.isInteger(found.lines) || found.lines < 0 || found.lines > MAX_LINES) {
    throw new Error(`the behaviour of ${command} asks for ${found.lines} lines: write 0 to ${MAX_LINES}`);
  }
  if (!Number.isFinite(found.durationMs) || found.durationMs < 0) {
    throw new Error(`the behaviour of ${command} takes ${found.durationMs} ms: write 0 or more`);
  }
  return found;
}
