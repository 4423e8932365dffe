/** Changes to turns: order, storing, effects, output. */
import type { Mutant } from './mutant';

const RUNNER = 'lib/fleet/turns/turn-runner.ts';
const CORE = 'lib/fleet/turns/fleet-core.ts';
const STORE = 'lib/fleet/turns/turn-store.ts';
const OUTPUT = 'lib/fleet/turns/output-log.ts';
const RUNNER_TEST = 'lib/fleet/turns/turn-runner.test.ts';
const PEER_EVENTS_TEST = 'lib/fleet/test/peer-events.test.ts';
const CORE_TEST = 'lib/fleet/turns/fleet-core.test.ts';
const OUTPUT_TEST = 'lib/fleet/turns/output-log.test.ts';
const SERVICE_TEST = 'lib/fleet/test/service.test.ts';
const SERVICE_FAULTS_TEST = 'lib/fleet/test/service-faults.test.ts';

export const TURN_MUTANTS: readonly Mutant[] = [
  {
    name: 'effects-before-publishing',
    file: CORE,
    from: `    this.guarded(() => this.publish(turns.flatMap((turn) => [...turn.touched, ...turn.hosts.keys()])));
    for (const turn of turns) for (const effect of turn.effects) this.guarded(effect);`,
    to: `    for (const turn of turns) for (const effect of turn.effects) this.guarded(effect);
    this.guarded(() => this.publish(turns.flatMap((turn) => [...turn.touched, ...turn.hosts.keys()])));`,
    why: 'an agent is sent a command before a page shows it',
    tests: [CORE_TEST],
  },
  {
    name: 'effect-before-commit',
    file: CORE,
    from: `      commit: (turns) => this.commit(turns),
      takeEffect: (turns) => this.takeEffect(turns),`,
    to: `      commit: (turns) => {
        this.takeEffect(turns);
        return this.commit(turns);
      },
      takeEffect: (turns) => this.takeEffect(turns.filter((turn) => !turn.needsCommit)),`,
    why: 'a crash undoes what was shown and sent',
    tests: [RUNNER_TEST],
  },
  {
    name: 'input-of-a-busy-host-at-once',
    file: RUNNER,
    from: 'return this.barriers === 0 && keys.every((key) => !this.busy.has(key));',
    to: 'return this.barriers === 0;',
    why: 'an input overtakes an earlier one of its host that is being stored',
    tests: [RUNNER_TEST],
  },
  {
    name: 'input-overtakes-a-barrier',
    file: RUNNER,
    from: 'return this.barriers === 0 && keys.every((key) => !this.busy.has(key));',
    to: 'return keys.every((key) => !this.busy.has(key));',
    why: 'an input overtakes one that depends on the whole fleet',
    tests: [RUNNER_TEST],
  },
  {
    name: 'barrier-at-once',
    file: RUNNER,
    from: "if (keys === 'everything') return this.waiting.length === 0 && !this.isStoring;",
    to: "if (keys === 'everything') return this.waiting.length === 0;",
    why: 'an input that depends on the whole fleet decides while changes are being stored',
    tests: [RUNNER_TEST],
  },
  {
    name: 'two-turns-of-a-host-in-a-batch',
    file: RUNNER,
    from: `      for (const key of keys) taken.add(key);
      batch.push({ input, turn, busy: input });`,
    to: '      batch.push({ input, turn, busy: input });',
    why: 'the second turn of a host is decided before the first one has taken effect',
    tests: [RUNNER_TEST],
  },
  {
    name: 'keys-of-a-postponed-input-free',
    file: RUNNER,
    from: `        for (const key of keys) taken.add(key);
        later.push(input);`,
    to: '        later.push(input);',
    why: 'an input overtakes an earlier one with several keys',
    tests: [RUNNER_TEST],
  },
  {
    name: 'barrier-in-a-batch',
    file: RUNNER,
    from: 'if (isBarrier && (batch.length > 0 || later.length > 0)) break;',
    to: '',
    why: 'an input that depends on the whole fleet is decided beside others',
    tests: [RUNNER_TEST],
  },
  {
    name: 'batch-without-a-limit',
    file: RUNNER,
    from: 'batch.length >= MAX_BATCH || ',
    to: '',
    why: 'one transaction grows without a limit',
    tests: [RUNNER_TEST],
  },
  {
    name: 'turns-from-before-a-kept-input',
    file: RUNNER,
    from: '    for (const input of this.waiting) input.turn = null;\n',
    to: '',
    why: 'a decision rests on a state that a kept input has changed',
    tests: [RUNNER_TEST],
  },
  {
    name: 'whole-batch-refused',
    file: RUNNER,
    from: "const isAlone = batch.length === 1 || refusal.kind !== 'constraint';",
    to: 'const isAlone = true;',
    why: 'one turn that violates a constraint takes all others of its batch with it',
    tests: [RUNNER_TEST],
  },
  {
    name: 'permanent-refusal-kept',
    file: RUNNER,
    from: "input.onRefusal === 'retry' && refusal.kind === 'storage' && this.keep(input);",
    to: "input.onRefusal === 'retry' && this.keep(input);",
    why: 'every kept input waits behind one that is never stored',
    tests: [RUNNER_TEST],
  },
  {
    name: 'overtakes-kept-inputs',
    file: RUNNER,
    from: "const mustWait = input.onRefusal === 'retry' && this.kept.length > 0;",
    to: 'const mustWait = false;',
    why: 'a result takes effect before the kept ones of its host',
    tests: [RUNNER_TEST, CORE_TEST],
  },
  {
    name: 'kept-inputs-without-a-limit',
    file: RUNNER,
    from: 'if (this.kept.length >= MAX_KEPT || ofKey >= MAX_KEPT_OF_KEY) {',
    to: 'if (this.kept.length >= Infinity) {',
    why: 'memory grows without a limit while the disk is full',
    tests: [RUNNER_TEST],
  },
  {
    name: 'waiting-inputs-without-a-limit',
    file: RUNNER,
    from: 'if (this.waiting.length >= MAX_WAITING && input.isVital !== true) {',
    to: 'if (this.waiting.length >= Infinity) {',
    why: 'memory grows without a limit while the disk is slow',
    tests: [RUNNER_TEST],
    hangs: true,
  },
  {
    name: 'removed-host-changed',
    file: CORE,
    from: 'if (this.memory.entries.get(id) === entry) work(turn);',
    to: 'work(turn);',
    why: 'an input that waited brings a removed host back',
    tests: [CORE_TEST, SERVICE_TEST, SERVICE_FAULTS_TEST],
  },
  {
    name: 'changed-host-not-stored',
    file: CORE,
    from: 'if (isNew || differsDurably(before, after)) turn.durable.add(after.id);',
    to: 'if (isNew) turn.durable.add(after.id);',
    why: 'the generation of a host is lost in a crash',
    tests: [CORE_TEST, SERVICE_TEST, SERVICE_FAULTS_TEST],
  },
  {
    name: 'unwritable-output-kept',
    file: CORE,
    from: '      this.outputLog.forget(commandId);\n',
    to: '',
    why: 'output that can never be stored is tried for ever and fills the memory',
    tests: [CORE_TEST, SERVICE_TEST, SERVICE_FAULTS_TEST],
  },
  {
    name: 'events-of-agents-without-a-budget',
    file: CORE,
    from: '    if (!this.peerEventBudget.admits(event, identity)) return;\n',
    to: '',
    why: 'one token fills the activity log',
    tests: [PEER_EVENTS_TEST],
  },
  {
    name: 'events-of-visitors-without-a-budget',
    file: CORE,
    from: '    if (!this.peerEventBudget.admits(event, null)) return Promise.resolve();\n',
    to: '',
    why: 'refused sign-ins from many addresses fill the activity log',
    tests: [PEER_EVENTS_TEST],
  },
  {
    name: 'sum-of-events-lost-at-a-stop',
    file: CORE,
    from: '      this.deferSum(this.peerEventBudget.takeRemainingSum());\n',
    to: '',
    why: 'nobody learns how many events were not recorded before a restart',
    tests: [PEER_EVENTS_TEST],
  },
  {
    name: 'refused-event-takes-room-of-others',
    file: 'lib/limits/event-budget.ts',
    from: '      this.add(event, now, at);\n      return false;',
    to: '      this.add(event, now, at);\n      for (const { key } of counted) this.used.set(key, (this.used.get(key) ?? 0) + 1);\n      return false;',
    why: 'one loud token hides the events of all others at its address',
    tests: ['lib/limits/event-budget.test.ts'],
  },
  {
    name: 'second-factor-refused-as-an-event-of-visitors',
    file: 'lib/fleet/events/sign-in-event-kinds.ts',
    from: "(wrong === 'password' ? 'peers' : 'main')",
    to: "(wrong === 'password' ? 'peers' : 'peers')",
    why: 'nobody learns that somebody has the password',
    tests: [PEER_EVENTS_TEST],
  },
  {
    name: 'deferred-events-without-a-limit',
    file: CORE,
    from: 'if (this.deferred.length < MAX_DEFERRED) this.deferred.push(event);\n    else this.peerEventBudget.count(event);',
    to: 'this.deferred.push(event);',
    why: 'agents that reconnect fill the memory while the disk is full',
    tests: [CORE_TEST],
  },
  {
    name: 'refused-output-dropped',
    file: STORE,
    from: '      for (const batch of output) this.outputLog.putBack(batch);\n',
    to: '',
    why: 'output is lost when the database refuses a write',
    tests: [SERVICE_TEST, SERVICE_FAULTS_TEST, CORE_TEST],
  },
  {
    name: 'no-retry-after-the-clock-went-back',
    file: STORE,
    from: 'Math.abs(this.options.clock.now() - this.refusedAt)',
    to: '(this.options.clock.now() - this.refusedAt)',
    why: 'after the clock is set back by an hour, nothing is stored for an hour',
    tests: [CORE_TEST],
  },
  {
    name: 'repeated-lines-stored',
    file: OUTPUT,
    from: '    if (agentSeq !== null && agentSeq <= known.agentSeq) return;\n',
    to: '',
    why: 'lines that an agent sends again are stored twice',
    tests: [OUTPUT_TEST],
  },
  {
    name: 'lines-before-the-ones-put-back',
    file: OUTPUT,
    from: `      ...lines.slice(0, kept),
      ...entry.lines.map((line) => ({ ...line, seq: line.seq - removed.length })),`,
    to: `      ...entry.lines.map((line) => ({ ...line, seq: line.seq - removed.length })),
      ...lines.slice(0, kept),`,
    why: 'lines change places when the database refuses a write',
    tests: [OUTPUT_TEST],
  },
  {
    name: 'numbers-not-put-back',
    file: OUTPUT,
    from: 'seq: line.seq - removed.length',
    to: 'seq: line.seq',
    why: 'the numbers of lines have a gap, so their output can never be stored',
    tests: [OUTPUT_TEST],
  },
  {
    name: 'output-without-a-limit',
    file: OUTPUT,
    from: 'if (this.hasNoRoom) {',
    to: 'if (this.lines < 0) {',
    why: 'output fills the memory while the disk is full',
    tests: [OUTPUT_TEST],
  },
  {
    name: 'stored-characters-count',
    file: OUTPUT,
    from: `    this.characters -= size;
    this.lines -= lines.length;
    entry.sent = null;`,
    to: '    entry.sent = null;',
    why: 'stored output counts as pending, until everything further is dropped',
    tests: [OUTPUT_TEST],
  },
  {
    name: 'lines-after-the-limit',
    file: OUTPUT,
    from: "    if (counts.outputTruncated && stream !== 'note') return;\n",
    to: '',
    why: 'short lines are stored after a long one reached the limit',
    tests: [OUTPUT_TEST],
  },
];
