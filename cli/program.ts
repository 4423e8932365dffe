/** Finds and runs the command, and turns its errors into a sentence and an exit code. */
import { VERSION } from '@/lib/version';
import { EXIT, type Call, type Command, type ExitCode } from './command';
import { auditVerify } from './commands/audit-verify';
import { backup } from './commands/backup';
import { check } from './commands/check';
import { generateSecrets } from './commands/generate-secrets';
import { hashPassword } from './commands/hash-password';
import { restore } from './commands/restore';
import { unlock } from './commands/unlock';

const COMMANDS: readonly Command[] = [hashPassword, generateSecrets, backup, restore, check, auditVerify, unlock];

/** Runs the program with its arguments; never rejects. */
export async function runProgram({ args, env, terminal }: Call): Promise<ExitCode> {
  const [first = ''] = args;
  if (first === '--version') {
    terminal.print(VERSION);
    return EXIT.done;
  }
  if (first === '--help' || first === '-h' || first === 'help') {
    for (const line of overview()) terminal.print(line);
    return EXIT.done;
  }
  const found = findCommand(args);
  if (found === null) {
    terminal.note(first === '' ? 'No command given.' : `There is no command "${args.slice(0, 2).join(' ')}".`);
    for (const line of overview()) terminal.note(line);
    return EXIT.usage;
  }
  const { command, rest } = found;
  if (rest.includes('--help') || rest.includes('-h')) {
    terminal.print(command.help);
    return EXIT.done;
  }
  try {
    return await command.run({ args: rest, env, terminal });
  } catch (error) {
    terminal.note(`nixfleet ${command.name}: ${sentence(error)}`);
    if (!isUsage(error)) return EXIT.failed;
    terminal.note(`Run "nixfleet ${command.name} --help" for its usage.`);
    return EXIT.usage;
  }
}

function findCommand(args: readonly string[]): { command: Command; rest: readonly string[] } | null {
  for (const command of COMMANDS) {
    const words = command.name.split(' ');
    if (words.every((word, index) => args[index] === word)) return { command, rest: args.slice(words.length) };
  }
  return null;
}

function overview(): string[] {
  const width = Math.max(...COMMANDS.map(({ name }) => name.length));
  return [
    `NixFleet ${VERSION}`,
    '',
    'Usage: nixfleet COMMAND [options]',
    '',
    ...COMMANDS.map(({ name, summary }) => `  ${name.padEnd(width)}   ${summary}`),
    '',
    'Run "nixfleet COMMAND --help" for details. Exit codes: 0 done, 1 failed, 2 wrong usage.',
  ];
}

/** Compares the kind, not the class: the error may come from another copy of its module. */
function isUsage(error: unknown): boolean {
  return error instanceof Error && 'kind' in error && error.kind === 'usage';
}

function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
