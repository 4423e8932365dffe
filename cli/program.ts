/** Finds the command that was asked for, runs it, and turns what it throws into a sentence and an exit code. */
import { VERSION } from '@/lib/version';
import { EXIT, type Call, type Command, type ExitCode } from './command';
import { auditVerify } from './commands/audit-verify';
import { backup } from './commands/backup';
import { check } from './commands/check';
import { generateSecrets } from './commands/generate-secrets';
import { hashPassword } from './commands/hash-password';
import { restore } from './commands/restore';

const COMMANDS: readonly Command[] = [hashPassword, generateSecrets, backup, restore, check, auditVerify];

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
    terminal.note(first === '' ? 'Which command?' : `There is no command "${args.slice(0, 2).join(' ')}".`);
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
    terminal.note(`"nixfleet ${command.name} --help" tells how it is used.`);
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
    '"nixfleet COMMAND --help" tells more. It exits with 0 when done, 1 when it failed, 2 when it was called in a wrong way.',
  ];
}

/** Kinds, not classes: what is thrown may come from another copy of its module. */
function isUsage(error: unknown): boolean {
  return error instanceof Error && 'kind' in error && error.kind === 'usage';
}

function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
