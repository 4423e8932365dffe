/** The `nixfleet` program: maintenance commands for the operator, on the dashboard's machine or in its container. */
import { processTerminal } from './terminal';
import { runProgram } from './program';

// A reader that closes the pipe early (`| head`) is not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

process.exitCode = await runProgram({ args: process.argv.slice(2), env: process.env, terminal: processTerminal() });
