/** The agent's command line. Exit codes: 0 ended or restarting, 1 what stands in the way may pass (another agent, a full disk, a token that is not there yet) or a check failed, 64 usage, 78 configuration (EX_CONFIG), 101 after a switch. */
import { createAgent } from './agent';
import { checkConfiguration } from './check';
import { hostNameProblem, readAgentConfig, AGENT_VARIABLES, type AgentConfig } from './config';
import { AGENT_VERSION } from './facts';
import { AGENT_CAPABILITIES, ROOT_HELPER_CAPABILITIES } from '@/lib/protocol/agent/capabilities';
import { createAgentLog } from './log';
import { childEnvironment, describeMachine } from './machine';
import { acquirePidLock } from './pid-lock';
import { createRedact, splitRepositoryAddress } from './redact';
import { createTokenSource } from './token';

const OPTIONS = ['-v', '--version', '-h', '--help', '--check', '--capabilities'];
const EXIT_USAGE = 64;
/** Another attempt can't succeed: service managers leave the agent off. */
const EXIT_CONFIG = 78;
/** What stands in the way may pass: service managers start the agent again. */
const EXIT_AGAIN = 1;

process.exitCode = await main(process.argv.slice(2));
// A socket that closes slowly or a switch that outlives its agent must not delay the exit.
process.exit();

async function main(args: readonly string[]): Promise<number> {
  const [option] = args;
  if (args.length > 1 || (option !== undefined && !OPTIONS.includes(option))) {
    console.error(`Unknown arguments "${args.join(' ')}": see nixfleet-agent --help.`);
    return EXIT_USAGE;
  }
  if (option === '-v' || option === '--version') {
    console.log(`nixfleet-agent ${AGENT_VERSION}`);
    return 0;
  }
  if (option === '-h' || option === '--help') {
    console.log(helpText());
    return 0;
  }
  if (option === '--capabilities') {
    const capabilities = [...AGENT_CAPABILITIES, ...ROOT_HELPER_CAPABILITIES];
    console.log(JSON.stringify({ version: AGENT_VERSION, capabilities }));
    return 0;
  }
  const machine = describeMachine();
  const read = readAgentConfig(process.env, machine);
  if (!read.ok) {
    console.error('The configuration of nixfleet-agent has problems:');
    for (const problem of read.problems) console.error(`- ${problem}`);
    return read.mayPass ? EXIT_AGAIN : EXIT_CONFIG;
  }
  const { config, warnings } = read;
  if (option === '--check') {
    const isUsable = await checkConfiguration(config, (line) => console.log(line));
    for (const warning of warnings) console.log(`${'warning'.padEnd(12)} ${warning}`);
    return isUsable ? 0 : 1;
  }
  return serve(config, warnings, machine.home);
}

async function serve(config: AgentConfig, warnings: readonly string[], home: string): Promise<number> {
  const fetched = new Set<string>();
  const known = [config.token, config.enrolmentCode, ...splitRepositoryAddress(config.repoUrl).secrets];
  const redact = createRedact(known, fetched);
  const log = createAgentLog(config.logLevel, redact);
  // A closed log pipe must not end the agent.
  process.stderr.on('error', () => undefined);
  let release: () => void;
  try {
    const lock = acquirePidLock(config.stateDir);
    if (!lock.ok) {
      log.error(
        `another agent (process ${lock.pid}) uses ${config.stateDir}: stop it, or set NIXFLEET_STATE_DIR to another folder`,
      );
      return EXIT_AGAIN;
    }
    release = lock.release;
  } catch (error) {
    log.error(
      `${config.stateDir} can't be used (${error instanceof Error ? error.message : 'unknown reason'}): give the agent's user write access, or set NIXFLEET_STATE_DIR to another folder`,
    );
    // A full disk, or one that was mounted read-only after an error.
    return EXIT_AGAIN;
  }
  process.once('exit', release);
  for (const warning of warnings) log.warn(warning);
  // Not refused: a host of an earlier dashboard may have such a name.
  const nameProblem = hostNameProblem(config.hostname);
  if (nameProblem !== null) log.warn(nameProblem);
  const agent = createAgent({
    config,
    tokens: createTokenSource({ config, log, onSecret: (token) => fetched.add(token) }),
    env: childEnvironment(process.env, home),
    program: process.argv[1] ?? '',
    log,
    redact,
  });
  process.on('SIGTERM', () => agent.shutDown());
  process.on('SIGINT', () => agent.shutDown());
  return agent.run();
}

function helpText(): string {
  const width = Math.max(...AGENT_VARIABLES.map(([name]) => name.length));
  return [
    'nixfleet-agent: connects this host to a NixFleet dashboard.',
    '',
    'Usage: nixfleet-agent [--version | --help | --check | --capabilities]',
    '',
    '  --check         shows the configuration, checks that the dashboard answers and accepts the token',
    '  --capabilities  prints what this agent can do on a host with nixfleet-root, as JSON',
    '',
    'Environment:',
    ...AGENT_VARIABLES.map(
      ([name, fallback, prose]) => `  ${name.padEnd(width)}  ${prose}${fallback === '' ? '' : ` (${fallback})`}`,
    ),
  ].join('\n');
}
