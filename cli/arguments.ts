/** Parses the options of a command with node's parser, and turns its errors into sentences. */
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { Problem } from './command';

type Options = NonNullable<ParseArgsConfig['options']>;

/** Parses options and positional arguments; more than `maxWords` positional arguments are refused. */
export function readArguments<const T extends Options>(args: readonly string[], options: T, maxWords: number) {
  const parsed = parse(args, options);
  const surplus = parsed.positionals[maxWords];
  if (surplus !== undefined) throw new Problem('usage', `Unexpected argument "${surplus}".`);
  return parsed;
}

function parse<const T extends Options>(args: readonly string[], options: T) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new Problem('usage', error instanceof Error ? error.message : String(error), error);
  }
}
