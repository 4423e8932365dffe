/** Changes to agents: their frames, admission and limits. */
import type { Mutant } from './mutant';

const RULES = 'lib/fleet/agents/admission-rules.ts';
const ADMISSION = 'lib/fleet/agents/agent-admission.ts';
const CONNECTIONS = 'lib/fleet/agents/agent-connections.ts';
const HELD = 'lib/fleet/agents/held-connections.ts';
const UNREGISTERED = 'lib/fleet/agents/unregistered-connections.ts';
const RULES_TEST = 'lib/fleet/agents/admission-rules.test.ts';
const BOUNDS_TEST = 'lib/fleet/agents/agent-bounds.test.ts';
const CONNECTIONS_TEST = 'lib/fleet/agents/agent-connections.test.ts';
const ANSWERS_TEST = 'lib/fleet/turns/host-answers.test.ts';
const SERVICE_TEST = 'lib/fleet/test/service.test.ts';
const SERVICE_FAULTS_TEST = 'lib/fleet/test/service-faults.test.ts';

export const AGENT_MUTANTS: readonly Mutant[] = [
  {
    name: 'result-acknowledged-before-it-is-stored',
    file: CONNECTIONS,
    from: "turn.effects.push(() => connection.link.send({ type: 'ack', payload: { command_id: id, result: true } }));",
    to: "connection.link.send({ type: 'ack', payload: { command_id: id, result: true } });",
    why: 'an agent forgets a result that a crash of the dashboard loses',
    tests: [ANSWERS_TEST],
  },
  {
    name: 'output-acknowledged-before-it-is-stored',
    file: CONNECTIONS,
    from: `    } else {
      this.core.armFlush();`,
    to: `    } else {
      this.core.acknowledgeOutput({ ...command, agentSeq: lines.at(-1)?.seq ?? 0 });
      this.core.armFlush();`,
    why: 'an agent forgets lines that a crash of the dashboard loses',
    tests: [CONNECTIONS_TEST, SERVICE_TEST, SERVICE_FAULTS_TEST],
  },
  {
    name: 'result-of-another-host',
    file: CONNECTIONS,
    from: 'use(command?.hostId === hostId ? command : null)',
    to: 'use(command)',
    why: 'an agent writes into the ended command of another host',
    tests: [CONNECTIONS_TEST, SERVICE_TEST, SERVICE_FAULTS_TEST],
  },
  {
    name: 'live-command-of-another-host',
    file: CONNECTIONS,
    from: 'return command?.hostId === entry.record.id ? command : null;',
    to: 'return command;',
    why: 'an agent ends the running command of another host',
    tests: [CONNECTIONS_TEST, SERVICE_TEST, SERVICE_FAULTS_TEST],
  },
  {
    name: 'early-frames-dropped',
    file: CONNECTIONS,
    from: 'if (early.frames.length < MAX_EARLY_FRAMES) early.frames.push(frame);',
    to: '',
    why: 'what an agent sends behind its register frame is lost',
    tests: [CONNECTIONS_TEST, SERVICE_TEST, SERVICE_FAULTS_TEST],
  },
  {
    name: 'early-frames-of-the-last-connection',
    file: CONNECTIONS,
    from: '    this.early.delete(link.id);\n',
    to: '',
    why: 'frames wait for ever behind a register frame that was stored long ago',
    tests: [CONNECTIONS_TEST, SERVICE_TEST, SERVICE_FAULTS_TEST],
  },
  {
    name: 'token-for-another-host',
    file: RULES,
    from: "if (identity.kind === 'host' && host?.id !== identity.hostId) {",
    to: "if (identity.kind === 'host' && host === null) {",
    why: 'the token of one host speaks for another one',
    tests: [RULES_TEST],
  },
  {
    name: 'shared-token-beside-a-host-token',
    file: RULES,
    from: "if (identity.kind === 'shared' && host.hasOwnToken) {",
    to: "if (identity.kind === 'shared' && host.isLeaving) {",
    why: 'whoever knows the shared token speaks for a host that has a token',
    tests: [RULES_TEST],
  },
  {
    name: 'second-agent-replaces-the-first',
    file: RULES,
    from: "return { kind: 'hold', why: { reason: 'duplicate', name: host.name, present: present.address, address } };",
    to: "return { kind: 'admit', dismiss: `another agent registered as ${host.name} from ${address}` };",
    why: 'two agents with one name take the host from each other in turns',
    tests: [RULES_TEST],
  },
  {
    name: 'no-instance-is-the-same-instance',
    file: RULES,
    from: "if (claim.instance !== '' && claim.instance === present.instance) {",
    to: 'if (claim.instance === present.instance) {',
    why: 'two agents of protocol 2 count as one process',
    tests: [RULES_TEST],
  },
  {
    name: 'new-hosts-without-approval',
    file: RULES,
    from: 'if (claim.newHostsWait) return',
    to: 'if (claim.newHostsWait && claim.isRefused) return',
    why: 'a new host is admitted without the approval that the operator asked for',
    tests: [RULES_TEST],
  },
  {
    name: 'fleet-without-a-limit',
    file: RULES,
    from: 'if (claim.hosts >= MAX_HOSTS) return',
    to: 'if (claim.hosts >= Infinity) return',
    why: 'an agent that invents host names fills the database',
    tests: [RULES_TEST],
  },
  {
    name: 'arriving-hosts-not-counted',
    file: ADMISSION,
    from: '      if (!entry) this.arriving.add(connection);\n',
    to: '',
    why: 'many new hosts at the same moment exceed the limit on hosts',
    tests: [BOUNDS_TEST],
  },
  {
    name: 'closed-connection-admitted',
    file: ADMISSION,
    from: `        // One that is held because of the connection that this one has replaced.
        this.report(this.claimFor(entry.record.name));
      });
      return;`,
    to: `        // One that is held because of the connection that this one has replaced.
        this.report(this.claimFor(entry.record.name));
      });`,
    why: 'a host is online for ever although its connection ended while its register frame was being stored',
    tests: [CONNECTIONS_TEST, SERVICE_TEST, SERVICE_FAULTS_TEST],
  },
  {
    name: 'unread-frames-of-the-present-agent',
    file: ADMISSION,
    from: '      entry?.connection?.link.finish();\n',
    to: '',
    why: 'an agent that comes back is held because of a connection that has ended',
    tests: ['lib/edge/agents/test/agent-reconnect.test.ts', 'lib/edge/agents/test/agent-life.test.ts'],
  },
  {
    name: 'replaced-connection-stays',
    file: ADMISSION,
    from: '      this.connections.delete(present.link.id);\n',
    to: '',
    why: 'frames of a replaced connection still count',
    tests: [RULES_TEST],
  },
  {
    name: 'connection-of-a-revoked-token-stays',
    file: ADMISSION,
    from: 'if (!agents.isStillValid(connection.link.identity)) {',
    to: 'if (agents.isRefused(connection.link.id)) {',
    why: 'an agent stays connected after its token was revoked',
    tests: [SERVICE_TEST, SERVICE_FAULTS_TEST, 'lib/edge/agents/test/agent-tokens.test.ts'],
    hangs: true,
  },
  {
    name: 'held-without-a-limit',
    file: HELD,
    from: 'if (this.all.size < MAX_HELD) return null;',
    to: 'if (this.all.size < Infinity) return null;',
    why: 'agents that wait for approval fill the memory',
    tests: [BOUNDS_TEST],
  },
  {
    name: 'known-host-without-a-place',
    file: HELD,
    from: 'if (counted.length < MAX_HELD || (isKnown && !names.has(name))) return null;',
    to: 'if (counted.length < MAX_HELD) return null;',
    why: 'the agent of a known host closes a waiting one although it has a separate place',
    tests: [BOUNDS_TEST],
  },
  {
    name: 'unknown-agents-displace-each-other',
    file: HELD,
    from: '    if (!isKnown && ofAddress + 1 >= top.members.length) return newcomer;\n',
    to: '',
    why: 'one address keeps the agents of all others from waiting',
    tests: [BOUNDS_TEST],
  },
  {
    name: 'late-while-it-is-stored',
    file: UNREGISTERED,
    from: "if (connection.state.phase === 'unregistered') late.push(connection);",
    to: 'late.push(connection);',
    why: 'a slow disk disconnects agents that registered in time',
    tests: [BOUNDS_TEST, CONNECTIONS_TEST],
  },
  {
    name: 'activated-system-not-recognised',
    file: 'agent/rebuild.ts',
    from: "  if (after.running !== '' && after.running !== before.running) return true;\n",
    to: '',
    why: 'a switch whose unit failed counts as failed where nixos-rebuild turns every exit code into 1',
    tests: ['agent/switch-ends.test.ts'],
  },
  {
    name: 'half-of-a-secret-in-a-cause',
    file: 'agent/shell.ts',
    from: 'finders[stream].add(clean);',
    to: 'finders[stream].add(line);',
    why: 'a reason that is cut inside a secret shows the half of it',
    tests: ['agent/switch-ends.test.ts'],
  },
  {
    name: 'activation-judged-by-its-exit-code',
    file: 'agent/nixos/activation-end.ts',
    from: '  const isActive = targets.includes(after.running);',
    to: '  const isActive = targets.includes(after.running) || facts.result?.exitCode === 0;',
    why: 'a switch counts as done although another system runs',
    tests: ['agent/nixos/activation-end.test.ts'],
  },
  {
    name: 'units-that-failed-before-count',
    file: 'agent/nixos/activation-end.ts',
    from: '  const before = new Set(failedBefore ?? []);\n  const reported',
    to: '  const before = new Set<string>();\n  const reported',
    why: 'every switch of a host with one broken unit is partly done',
    tests: ['agent/nixos/activation-end.test.ts'],
  },
  {
    name: 'killed-activation-counts-by-what-runs',
    file: 'agent/nixos/activation-end.ts',
    from: '  if (!restarted)\n    return failed(',
    to: '  if (!restarted && !isActive)\n    return failed(',
    why: 'an activation that was killed half-way counts as done',
    tests: ['agent/nixos/activation-end.test.ts'],
  },
  {
    name: 'activation-that-is-not-on-disk',
    file: 'agent/nixos/activation.ts',
    from: '    writeActivation(stateDir, record);\n  } catch (error) {',
    to: '    void writeActivation;\n  } catch (error) {',
    why: 'the result of a switch is lost with the agent',
    tests: ['agent/nixos/agent-ends.test.ts'],
  },
  {
    name: 'resumed-output-with-other-numbers',
    file: 'lib/outbox/outbox.ts',
    from: '    entry.lastSeq = lastSeq;\n    entries.push(entry);',
    to: '    entries.push(entry);',
    why: 'the output of a switch that replaced its agent has gaps and repetitions',
    tests: ['lib/outbox/outbox.test.ts'],
  },
  {
    name: 'record-removed-before-the-rest',
    file: 'agent/nixos/activation.ts',
    from: '  await helper.forget(shell, id);\n  removeActivation(stateDir, id);\n',
    to: '  removeActivation(stateDir, id);\n  await helper.forget(shell, id);\n',
    why: 'an agent that is killed at that moment leaves a unit and links that keep a system from the garbage collector',
    tests: ['agent/nixos/agent-ends.test.ts'],
  },
  {
    name: 'specialisation-is-another-system',
    file: 'agent/nixos/system-facts.ts',
    from: "return new Map(names.map((name) => [pathOf(join(folder, name)), name] as const).filter(([path]) => path !== ''));",
    to: 'return new Map(names.map((name) => [join(folder, name), name] as const));',
    why: 'a host that boots a specialisation during a switch counts as half-way',
    tests: ['agent/nixos/system-facts.test.ts'],
  },
  {
    name: 'result-that-did-not-fit-on-the-disk',
    file: 'agent/nixos/activation.ts',
    from: "return readResult(path) ?? (exitCode === null ? null : { exitCode, stopped: false, profile: '' });",
    to: 'return readResult(path);',
    why: 'a switch on a full disk that succeeded counts as half-way',
    tests: ['agent/nixos/disk-full.test.ts'],
  },
];
