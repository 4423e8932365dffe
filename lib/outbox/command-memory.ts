/** The commands that an agent knows by id, and how they ended. What makes it last across restarts is `save`. */

export interface CommandResult {
  status: 'ok' | 'error' | 'stopped' | 'warning';
  exitCode: number | null;
  message: string;
  generation: string;
  /** The agent ends after this result and starts again. */
  restarting: boolean;
  /** A part of the stopped command may go on. */
  mayContinue?: boolean | undefined;
  /** Why the host went back to the previous system. */
  rolledBack?: string | undefined;
  /** Which rule of the host's policy refused it. */
  refusal?: string | undefined;
  /** Number of the command's last line of output. */
  lastSeq: number;
}

export interface KnownCommand {
  id: string;
  command: string;
  refused: boolean;
  acknowledged: boolean;
  result: CommandResult | null;
}

export type CommandMemory = ReturnType<typeof createCommandMemory>;

export interface CommandMemoryOptions {
  /** The oldest commands beyond this number are forgotten. */
  maxCommands: number;
  /** The commands that an earlier process saved. */
  commands?: KnownCommand[];
  /** Stores all commands; false when that failed. Without it they last as long as this memory. */
  save?: (commands: readonly KnownCommand[]) => boolean;
}

export function createCommandMemory({ maxCommands, commands = [], save = () => true }: CommandMemoryOptions) {
  function saveAll(): boolean {
    commands.splice(0, Math.max(0, commands.length - maxCommands));
    return save(commands);
  }

  return {
    maxCommands,
    find: (id: string): KnownCommand | undefined => commands.find((command) => command.id === id),
    /** False when it could not be saved; it is known until the process ends all the same. */
    add(command: KnownCommand): boolean {
      commands.push(command);
      return saveAll();
    },
    /** Does nothing for commands without an id and for those that were forgotten. */
    update(id: string | null, change: Partial<Pick<KnownCommand, 'result' | 'acknowledged'>>): void {
      const command = commands.find((known) => known.id === id);
      if (command === undefined) return;
      Object.assign(command, change);
      saveAll();
    },
    /** Commands whose result was not acknowledged. */
    unacknowledged: (): KnownCommand[] =>
      commands.filter(({ result, acknowledged }) => result !== null && !acknowledged),
  };
}
