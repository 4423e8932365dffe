/** `npm run simulate`: a simulated fleet until Ctrl-C. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readArguments, USAGE, type SimulationSettings } from './arguments';
import { SimulatedFleet } from './fleet';

const REPORT_INTERVAL_MS = 2_000;
const EXIT_USAGE = 2;

const tokenFile = join(process.env.NIXFLEET_DATA_DIR?.trim() || './data', 'secrets', 'agent-token');
const parsed = readArguments(process.argv.slice(2), {
  tokenFromEnvironment: process.env.NIXFLEET_AGENT_TOKEN,
  tokenFile,
  readTokenFile() {
    try {
      return readFileSync(tokenFile, 'utf8');
    } catch {
      return null;
    }
  },
});

switch (parsed.kind) {
  case 'help':
    console.log(USAGE);
    break;
  case 'problems':
    for (const problem of parsed.problems) console.error(problem);
    console.error('\nnpm run simulate -- --help lists the options.');
    process.exitCode = EXIT_USAGE;
    break;
  case 'run':
    process.exitCode = await simulate(parsed.settings);
}

/** Runs until a signal, or until the dashboard refuses the token. Gives the exit code. */
async function simulate({ stormMs, ...settings }: SimulationSettings): Promise<number> {
  const fleet = new SimulatedFleet(settings);
  let end: (code: number) => void = () => undefined;
  const ended = new Promise<number>((resolve) => {
    end = resolve;
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => end(0));
  for (const agent of fleet.agents) {
    agent.on((event) => {
      if (event.type === 'command') console.log(`${agent.hostname}: ${event.command}`);
      if (event.type === 'ended')
        console.log(`${agent.hostname}: ${event.command} ended, ${event.result ?? 'no status'}`);
      if (event.type !== 'refused') return;
      if (event.status === 401) {
        console.error(`The dashboard at ${settings.url} refused the token (401): pass the right one with --token.`);
        end(1);
      } else if (event.status === 404) {
        console.error(`${settings.url} has no agent socket (404): the address must end in /ws.`);
        end(1);
      }
    });
  }
  let reported = '';
  const report = () => {
    const text = `${fleet.registeredCount} of ${fleet.agents.length} hosts are registered at ${settings.url}`;
    if (text !== reported) console.log(text);
    reported = text;
  };
  const timers = [setInterval(report, REPORT_INTERVAL_MS)];
  if (stormMs !== null) {
    timers.push(
      setInterval(() => {
        console.log('Storm: breaking all connections.');
        for (const agent of fleet.agents) agent.drop();
      }, stormMs),
    );
  }
  report();
  void fleet.connect();
  const code = await ended;
  for (const timer of timers) clearInterval(timer);
  await fleet.close();
  return code;
}
