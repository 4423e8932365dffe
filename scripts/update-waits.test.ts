/** The waits of update.sh end after their time, and not because somebody sets the clock. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const script = readFileSync('update.sh', 'utf8');

/** One function of the script, as it is written there. */
function functionOf(name: string): string {
  const start = script.indexOf(`\n${name}() {`);
  if (start < 0) throw new Error(`update.sh has no function ${name}`);
  const line = script.slice(start + 1, script.indexOf('\n', start + 1));
  return line.endsWith('}') ? line : script.slice(start + 1, script.indexOf('\n}\n', start) + 3);
}

/** Runs a wait of the script; each look at the clock finds it a day further on, and the third look at the container is good. */
function wait(name: string, call: string): string {
  const body = `
    set -euo pipefail
    HEALTH_TIMEOUT_S=60 AGENTS_TIMEOUT_S=60 agents=2
    days=$(mktemp) looks=$(mktemp)
    date() { echo day >>"$days"; echo $(($(wc -l <"$days") * 86400)); }
    ${['now', 'uptime_s', name].map(functionOf).join('\n')}
    say() { printf '%s\\n' "$*"; }
    sleep() { :; }
    container() { echo a-container; }
    inspect() { echo running; }
    good() { echo look >>"$looks"; [ "$(wc -l <"$looks")" -ge 3 ]; }
    healthy() { good; }
    connected_agents() { if good; then echo 2; else echo 0; fi; }
    if ${call}; then echo waited; else echo gave up; fi
    rm -f "$days" "$looks"`;
  return execFileSync('bash', ['-c', body], { encoding: 'utf8' });
}

it.each([
  ['wait_until_healthy', 'wait_until_healthy'],
  ['wait_for_agents', 'wait_for_agents 2'],
])('%s goes on when the clock is set ahead', (name, call) => {
  expect(wait(name, call)).toContain('waited');
});
