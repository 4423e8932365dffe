/** The `nixfleet` program: what an operator does beside the running dashboard, on its machine or in its container. */
import { processTerminal } from './terminal';
import { runProgram } from './program';

// A reader that has seen enough (`| head`) is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

process.exitCode = await runProgram({ args: process.argv.slice(2), env: process.env, terminal: processTerminal() });
