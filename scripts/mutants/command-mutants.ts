/** Changes to commands, pipelines and deadlines. */
import type { Mutant } from './mutant';

const CONFIRMING = 'lib/fleet/commands/step-confirming.ts';
const CONFIRMING_TEST = 'lib/fleet/commands/step-confirming.test.ts';
const CONFIRM_ANSWERS_TEST = 'lib/fleet/commands/confirmation-answers.test.ts';
const CONFIRMED_PROPERTY_TEST = 'lib/fleet/test/confirmed-switch-property.test.ts';
const DISPATCHER = 'lib/fleet/commands/command-dispatcher.ts';
const STEP_UP_RULE = 'lib/fleet/commands/step-up-rule.ts';
const STEP_UP_RULE_TEST = 'lib/fleet/commands/step-up-rule.test.ts';
const QUEUE = 'lib/fleet/commands/command-queue.ts';
const TRANSITIONS = 'lib/fleet/commands/command-transitions.ts';
const ENDS_TEST = 'lib/fleet/commands/command-ends.test.ts';
const PIPELINE = 'lib/fleet/pipelines/pipeline-machine.ts';
const SERVICE_TEST = 'lib/fleet/test/service.test.ts';
const SERVICE_FAULTS_TEST = 'lib/fleet/test/service-faults.test.ts';
const DISPATCHER_TEST = 'lib/fleet/commands/command-dispatcher.test.ts';
const QUEUE_TEST = 'lib/fleet/commands/command-queue.test.ts';
const SHIFT_TEST = 'lib/fleet/test/time-shift.test.ts';
const PIPELINE_TEST = 'lib/fleet/pipelines/pipeline-machine.test.ts';

export const COMMAND_MUTANTS: readonly Mutant[] = [
  {
    name: 'repeated-request-at-the-same-time',
    file: DISPATCHER,
    from: 'return this.requests.run(request.requestId, () => this.dispatchOnce(request));',
    to: 'return this.dispatchOnce(request);',
    why: 'a request that a page sends twice at once becomes two commands',
    tests: [DISPATCHER_TEST, SERVICE_TEST, SERVICE_FAULTS_TEST],
  },
  {
    name: 'repeated-request',
    file: DISPATCHER,
    from: 'known ? answerOf(entry, known) : this.dispatchTo(turn, entry, request, unproven)',
    to: 'known && known.outcome === null ? answerOf(entry, known) : this.dispatchTo(turn, entry, request, unproven)',
    why: 'a request that a page sends again after the command ended runs a second time',
    tests: [DISPATCHER_TEST, SERVICE_TEST, SERVICE_FAULTS_TEST],
  },
  {
    name: 'generation-for-several-hosts',
    file: 'lib/fleet/commands/dispatch.ts',
    from: "  if (severalHosts) return { kind: 'blocked', blocked: severalHosts };",
    to: '  void severalHosts;',
    why: 'one number switches several hosts, each to another system',
    tests: ['lib/fleet/test/switch-generation.test.ts'],
  },
  {
    name: 'step-up-host-by-host',
    file: STEP_UP_RULE,
    from: 'if ([active, ...queue].some((command) => command?.operation === operation)) hosts.add(hostId);',
    to: 'if (queue.some((command) => command.operation === operation)) hosts.add(hostId);',
    why: 'after a restart, a second host is rolled back without the proof that several need',
    tests: [STEP_UP_RULE_TEST],
  },
  {
    name: 'step-up-requests-forgotten-at-a-restart',
    file: STEP_UP_RULE,
    from: 'store.requestsSince(PROVEN_FOR_MANY, now - RECENT_MS)',
    to: 'store.requestsSince([], now - RECENT_MS)',
    why: 'after a restart, hosts that were just rolled back one by one do not count',
    tests: [STEP_UP_RULE_TEST],
  },
  {
    name: 'step-up-of-pipelines-forgotten',
    file: STEP_UP_RULE,
    from: 'if (stages.includes(operation)) for',
    to: 'if (stages.length === 0) for',
    why: 'one pipeline after the other rolls hosts back without the proof that several need',
    tests: [STEP_UP_RULE_TEST],
  },
  {
    name: 'step-up-not-required',
    file: DISPATCHER,
    from: 'const unproven = request.stepUp !== true && this.stepUp.unproven([request.operation], hostIds) !== null;',
    to: 'const unproven = request.stepUp === false && this.stepUp.unproven([request.operation], hostIds) !== null;',
    why: 'a caller that forgets the proof needs none',
    tests: [DISPATCHER_TEST, SERVICE_TEST, SERVICE_FAULTS_TEST],
  },
  {
    name: 'reboot-believed',
    file: TRANSITIONS,
    from: "if (id !== 'reboot') return ended(",
    to: 'if (id !== null) return ended(',
    why: 'a refused reboot succeeds when the agent restarts for another reason',
    tests: [ENDS_TEST],
  },
  {
    name: 'second-result-believed',
    file: TRANSITIONS,
    from: ' && state.hasResult !== true',
    to: '',
    why: 'a second status turns a switch that had succeeded into a failed one',
    tests: [ENDS_TEST],
  },
  {
    name: 'sent-before-it-is-stored',
    file: 'lib/fleet/commands/command-engine.ts',
    from: 'turn.effects.push(() => sendTo(entry, turn.commands.get(command.id) ?? command));',
    to: 'sendTo(entry, turn.commands.get(command.id) ?? command);',
    why: 'a command that the database refused runs on the host',
    tests: [DISPATCHER_TEST, SERVICE_TEST, SERVICE_FAULTS_TEST],
  },
  {
    name: 'queue-released-before-the-first-heartbeat',
    file: QUEUE,
    from: "if (entry.connection?.state.pending !== '') return;",
    to: 'if (entry.connection === null) return;',
    why: 'a queued command is sent to an agent that may be running another one',
    tests: [QUEUE_TEST],
  },
  {
    name: 'queued-twice',
    file: QUEUE,
    from: '    this.supersede(turn, entry, command);\n',
    to: '',
    why: 'an operation that was queued five times runs five times',
    tests: [QUEUE_TEST],
  },
  {
    name: 'confirmed-switch-judged-by-facts',
    file: 'lib/fleet/commands/command-transitions.ts',
    from: "if (operation.ends === 'switch' && state.confirmS === undefined && state.confirmation === undefined) {",
    to: "if (operation.ends === 'switch') {",
    why: 'a switch counts as done although its host goes back a minute later',
    tests: [CONFIRMING_TEST, CONFIRMED_PROPERTY_TEST],
  },
  {
    name: 'kept-over-an-old-connection',
    file: CONFIRMING,
    from: 'const isNew = !isActivating && on !== activatedOn && on !== state.sentOn;',
    to: 'const isNew = !isActivating;',
    why: 'a new system is kept although nobody reached the host since its activation',
    tests: [CONFIRM_ANSWERS_TEST],
  },
  {
    name: 'kept-although-a-check-failed',
    file: CONFIRMING,
    from: "checks.every(({ enforced, status }) => !enforced || status === 'passed')",
    to: "checks.some(({ enforced, status }) => !enforced || status === 'passed')",
    why: 'a broken system is kept',
    tests: [CONFIRM_ANSWERS_TEST],
  },
  {
    name: 'kept-without-checks',
    file: CONFIRMING,
    from: 'checks.length > 0 && ',
    to: '',
    why: 'a new system is kept because of a report that says nothing of it',
    tests: [CONFIRM_ANSWERS_TEST],
  },
  {
    name: 'confirmation-of-a-host-ignored',
    file: 'lib/fleet/operations/operation-rules.ts',
    from: 'if (choice === true || isOn) return null;',
    to: 'if (choice === true) return null;',
    why: 'switches of a host that an operator wants confirmed are not, where a dashboard runs on it',
    tests: ['app/(fleet)/_operations/confirm-words.test.ts'],
  },
  {
    name: 'unconfirmed-without-a-word',
    file: 'lib/fleet/commands/step-by-phase.ts',
    from: 'return input.unconfirmed === undefined',
    to: 'return input.unconfirmed !== null',
    why: 'nothing in the output says that a switch does not take itself back',
    tests: ['lib/fleet/test/confirmed-switches.test.ts'],
  },
  {
    name: 'queued-beside-a-sent-one',
    file: DISPATCHER,
    from: '    this.queue.supersede(turn, entry, command);\n',
    to: '',
    why: 'a queued command runs after the newer one that replaced it',
    tests: [QUEUE_TEST, DISPATCHER_TEST],
  },
  {
    name: 'queued-command-skipped-while-busy',
    file: QUEUE,
    from: "['offline', 'busy', 'agent-busy', 'confirming']",
    to: "['offline', 'confirming']",
    why: 'a queued command is skipped because another one runs at that moment',
    tests: [QUEUE_TEST],
  },
  {
    name: 'deadlines-pass-while-blocked',
    file: 'lib/fleet/time-shift.ts',
    from: 'for (const command of [active, control, dashboardCommand, ...queue]) {',
    to: 'for (const command of [control, dashboardCommand, ...queue]) {',
    why: 'running commands time out because the clock was set',
    tests: [SHIFT_TEST],
  },
  {
    name: 'queue-expires-while-blocked',
    file: 'lib/fleet/time-shift.ts',
    from: 'for (const command of [active, control, dashboardCommand, ...queue]) {',
    to: 'for (const command of [active, control, dashboardCommand]) {',
    why: 'queued commands expire because the clock was set',
    tests: [SHIFT_TEST],
  },
  {
    name: 'shift-taken-twice',
    file: 'lib/fleet/turns/wall-clock-lead.ts',
    from: '    this.taken += ms;\n',
    to: '',
    why: 'deadlines move on for ever after the clock was set once',
    tests: [SHIFT_TEST],
  },
  {
    name: 'pipeline-goes-on-after-a-failure',
    file: PIPELINE,
    from: 'if (!isFailure(status) || !pipeline.stopOnFailure || pipeline.state.halt) return run;',
    to: 'if (!isFailure(status) || pipeline.state.halt || host !== undefined) return run;',
    why: 'a configuration that broke the first host reaches all others',
    tests: [PIPELINE_TEST],
  },
  {
    name: 'all-hosts-at-once',
    file: PIPELINE,
    from: 'let room = pipeline.parallelism - counts.running;',
    to: 'let room = pipeline.parallelism;',
    why: 'more hosts switch at the same time than the operator allowed',
    tests: [PIPELINE_TEST],
  },
  {
    name: 'command-of-another-stage',
    file: PIPELINE,
    from: ' || step.commandId !== input.commandId) return host;',
    to: ') return host;',
    why: 'the end of another command counts as the end of the stage',
    tests: [PIPELINE_TEST],
  },
  {
    name: 'stage-waits-for-ever',
    file: PIPELINE,
    from: 'if (now < step.until)\n',
    to: 'if (now < Infinity)\n',
    why: 'a pipeline waits for ever for a host that does not come back',
    tests: [PIPELINE_TEST],
  },
  {
    name: 'stopped-although-it-goes-on',
    file: 'lib/fleet/commands/command-verdict.ts',
    from: 'if (result.mayContinue === true)',
    to: 'if (result.mayContinue === false)',
    why: 'a command counts as stopped while its activation continues',
    tests: ['lib/fleet/commands/command-ends.test.ts'],
  },
  {
    name: 'older-agent-concludes-a-switch',
    file: TRANSITIONS,
    from: "    if (before.activates === true && !facts.activates) return ended(now, 'lost', OLDER_AGENT);\n",
    to: '',
    why: 'a switch counts as done because an older agent came back while its activation goes on',
    tests: [ENDS_TEST],
  },
];
