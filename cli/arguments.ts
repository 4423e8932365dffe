/** Options of a command, read by node's own parser; what it refuses becomes a sentence. */
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { Problem } from './command';

type Options = NonNullable<ParseArgsConfig['options']>;

/** Reads options and the words that are none; more than `maxWords` of them are refused. */
export function readArguments<const T extends Options>(args: readonly string[], options: T, maxWords: number) {
  const parsed = parse(args, options);
  const surplus = parsed.positionals[maxWords];
  if (surplus !== undefined) throw new Problem('usage', `"${surplus}" is one word too many.`);
  return parsed;
}

function parse<const T extends Options>(args: readonly string[], options: T) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new Problem('usage', error instanceof Error ? error.message : String(error), error);
  }
}
