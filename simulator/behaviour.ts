/** How a scripted agent behaves: how long a command takes, what it prints and how it ends, oddities included. */
import type { WireCommand } from '@/lib/protocol/agent/wire-commands';

/** Every way in which a command may end, and what is seen of it on the wire (agent protocol, section 4). */
export const ENDINGS = {
  succeeds: 'status ok; after a switch on NixOS the process ends and comes back',
  fails: 'status error with the exit code',
  silent: 'the work ends without a status and without an extra heartbeat',
  'status-twice': 'the status comes two times',
  'late-output': 'some output comes after the status, as it does after an isolated pull (protocol 2)',
  crashes: 'in the middle of the work the connection breaks (1006); a new process comes back and knows nothing of it',
  'killed-by-switch':
    'in the middle of the work the process ends (1000) and a new binary comes back: a switch on macOS that went well',
  hangs: 'the work never ends until it is stopped or killed',
} as const;
export type Ending = keyof typeof ENDINGS;

/** What follows a `stop` of a running command in protocol 2. */
export const STOP_ENDINGS = {
  'result-and-exit': 'status stopped, then the process ends and comes back (NixOS)',
  exit: 'the process ends and comes back, with no status (NixOS, the other side of the race)',
  'two-results': 'status stopped and then status error -1 of the same command (macOS)',
} as const;
export type StopEnding = keyof typeof STOP_ENDINGS;

/** More output than this is not made for one command. */
export const MAX_LINES = 200_000;

export interface CommandBehaviour {
  /** Milliseconds that the work takes. */
  durationMs: number;
  /** Lines of output of the work. */
  lines: number;
  /** The text of line `number`, from 1. */
  line: (number: number) => string;
  ending: Ending;
  /** The exit code of a failure. */
  exitCode: number;
  /** The work begins once this is fulfilled, also where the command is stopped before. Without it: at once. */
  held?: Promise<void>;
}

export interface Behaviour {
  /** By command; what is not named here is as in `standard`. */
  commands: Partial<Record<WireCommand, Partial<CommandBehaviour>>>;
  standard: CommandBehaviour;
  /** Every duration of a command's work is multiplied by this. */
  pace: number;
  stop: StopEnding;
  /** Between the status of a switch and the end of the process. */
  exitDelayMs: number;
  /** Between the end of the process and its next start by the service manager. */
  restartMs: number;
  /** Between the command `reboot` and the end of the connection. */
  rebootDelayMs: number;
  /** How long the host is away for a reboot. */
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

/** A line as nix prints it. */
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

/** As on a real host that is in good order. */
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
  pace: 1,
  stop: 'result-and-exit',
  exitDelayMs: 500,
  restartMs: 3_000,
  rebootDelayMs: 3_000,
  rebootMs: 20_000,
};

/** Everything at once: no pause where a real host takes its time. */
export const PROMPT: Behaviour = {
  commands: {},
  standard: { ...REALISTIC.standard, durationMs: 0, lines: 3 },
  pace: 1,
  stop: 'result-and-exit',
  exitDelayMs: 0,
  restartMs: 0,
  rebootDelayMs: 0,
  rebootMs: 0,
};

/** The behaviour for one command. Throws where it asks for more than an agent may do. */
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
