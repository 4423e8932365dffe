/** Changes to what a host accepts. */
import type { Mutant } from './mutant';

const FILE = 'agent/policy/policy-file.ts';
const OPERATION = 'agent/policy/judge-operation.ts';
const COMMIT = 'agent/policy/judge-commit.ts';
const REPOSITORY = 'agent/policy/judged-repository.ts';
const GENERATION = 'agent/policy/judge-generation.ts';
const FILE_TEST = 'agent/policy/policy-file.test.ts';
const OPERATION_TEST = 'agent/policy/judge-operation.test.ts';
const COMMITS_TEST = 'agent/policy/commits.test.ts';
const ATTACKS_TEST = 'agent/policy/signature-attacks.test.ts';
const COMMANDS_TEST = 'agent/policy/commands.test.ts';
const GENERATION_TEST = 'agent/policy/judge-generation.test.ts';
const NIXOS_TEST = 'agent/nixos/policy.test.ts';
const HOURS_TEST = 'lib/hours/hours.test.ts';
const FLEET_TEST = 'lib/fleet/test/host-policy.test.ts';

export const POLICY_MUTANTS: readonly Mutant[] = [
  {
    name: 'unreadable-policy-accepts',
    file: OPERATION,
    from: "if (state.kind === 'unreadable') return policyUnreadable(state);",
    to: "if (state.kind === 'unreadable') return null;",
    why: 'a mistake in the file of a policy opens the host',
    tests: [OPERATION_TEST],
  },
  {
    name: 'dangling-policy-is-none',
    file: FILE,
    from: 'lstatSync(source);',
    to: 'realpathSync(source);',
    why: 'a link to a file that is gone counts as no policy',
    tests: [FILE_TEST],
  },
  {
    name: 'signers-in-the-clone',
    file: FILE,
    from: "if (folder !== '' && (real === root || real.startsWith(root + sep)))",
    to: "if (folder === '' && (real === root || real.startsWith(root + sep)))",
    why: 'a commit brings the list of signers that judges it',
    tests: [FILE_TEST],
  },
  {
    name: 'kill-is-always-accepted',
    file: 'agent/runner.ts',
    from: '} else if (refusal !== null) {',
    to: "} else if (refusal !== null && refusal.reason === 'hours') {",
    why: 'a dashboard interrupts activations although the policy does not list kill',
    tests: [COMMANDS_TEST],
  },
  {
    name: 'controls-are-not-judged',
    file: 'agent/runner.ts',
    from: 'if (refusal !== null) void refuse(accept(id, name), refusal);',
    to: "if (refusal !== null && name !== 'restart' && name !== 'reboot') void refuse(accept(id, name), refusal);",
    why: 'a dashboard reboots a host whose policy does not list it',
    tests: [COMMANDS_TEST],
  },
  {
    name: 'armour-is-not-looked-at',
    file: REPOSITORY,
    from: "return signatures.length === 1 && isSsh ? 'ssh' : 'other';",
    to: "return signatures.length === 1 || isSsh ? 'ssh' : 'other';",
    why: 'git chooses the program that verifies by the armour that the author wrote',
    tests: [ATTACKS_TEST],
  },
  {
    name: 'clone-is-judged-with-replacements',
    file: COMMIT,
    from: '(await judged.create(format)) ?? (await copyOf(clone, judged, commit));',
    to: '(await judged.create(format)) ?? null;',
    why: 'nothing is judged but an empty repository',
    tests: [COMMITS_TEST],
  },
  {
    name: 'unknown-signers-are-accepted',
    file: COMMIT,
    from: 'if (!signed) return refused(',
    to: 'if (!signed && false) return refused(',
    why: 'any SSH signature is accepted',
    tests: [COMMITS_TEST],
  },
  {
    name: 'ancestors-the-other-way',
    file: COMMIT,
    from: 'judged.isAncestor(oldestCommit, commit)',
    to: 'judged.isAncestor(commit, oldestCommit)',
    why: 'a host accepts older commits and refuses newer ones',
    tests: [COMMITS_TEST],
  },
  {
    name: 'clone-is-built',
    file: COMMIT,
    from: 'return { ok: true, flake: host.flake.pinned(judged.folder, commit), repository: judged };',
    to: 'return { ok: true, flake: host.flake, repository: judged };',
    why: 'what is built is not what was judged',
    tests: [COMMITS_TEST, NIXOS_TEST],
  },
  {
    name: 'lock-may-change',
    file: 'agent/flake.ts',
    from: "const PINNED_OPTIONS = ['--no-update-lock-file'];",
    to: 'const PINNED_OPTIONS: string[] = [];',
    why: 'an input that flake.lock does not name is chosen by whoever serves it',
    tests: [COMMITS_TEST],
  },
  {
    name: 'tests-run-from-the-clone',
    file: 'agent/policy/judge-scripts.ts',
    from: 'return problem === null ? { ok: true, folder: repository.folder }',
    to: 'return problem === null ? { ok: true, folder: host.repository.dir }',
    why: 'scripts that nobody has judged run on the host',
    tests: [COMMITS_TEST],
  },
  {
    name: 'back-to-a-looser-policy',
    file: GENERATION,
    from: "if (!isWithin(keysOf(then), keysOf(now))) return 'it accepts more signers';",
    to: '',
    why: 'a rollback brings back a key that was removed',
    tests: [GENERATION_TEST],
  },
  {
    name: 'list-of-the-running-system',
    file: GENERATION,
    from: 'readPolicy(source, [config.stateDir, config.repoDir], locate)',
    to: 'readPolicy(source, [config.stateDir, config.repoDir])',
    why: 'a rollback brings back a list of signers with a key that was removed',
    tests: [GENERATION_TEST],
  },
  {
    name: 'back-to-an-unusable-policy',
    file: GENERATION,
    from: "if (then.kind === 'unreadable')",
    to: "if (then.kind === 'unreadable') return null;\n  if (then.kind === 'unreadable')",
    why: 'a rollback goes to a system that then refuses everything',
    tests: [GENERATION_TEST],
  },
  {
    name: 'unknown-policy-is-kept',
    file: GENERATION,
    from: "if (hostType !== 'nixos') return false;",
    to: 'return false;',
    why: 'a rollback of NixOS removes a policy that Home Manager links',
    tests: [GENERATION_TEST],
  },
  {
    name: 'new-policy-refuses-its-commit',
    file: 'agent/policy/judge-new-policy.ts',
    from: 'return judged.ok\n',
    to: 'return judged.ok || !judged.ok\n',
    why: 'a mistyped branch in a policy makes the host refuse every switch from then on',
    tests: [NIXOS_TEST],
  },
  {
    name: 'tests-that-could-not-run-pass',
    file: 'agent/checks/check-rounds.ts',
    from: "const enforced = first.enforced && outcome !== 'none';",
    to: "const enforced = first.enforced && (outcome === 'passed' || outcome === 'failed');",
    why: 'a switch is confirmed although its enforced tests did not run',
    tests: ['agent/checks/check-rounds.test.ts'],
  },
  {
    name: 'window-ends-on-its-day',
    file: 'lib/hours/hours.ts',
    from: '(to > from ? to : to + DAY_MINUTES)',
    to: 'to',
    why: 'a window over midnight is never open',
    tests: [HOURS_TEST],
  },
  {
    name: 'policy-outlives-its-agent',
    file: 'lib/fleet/hosts/host.ts',
    from: 'policy: register.capabilities?.includes(POLICY) === true ? host.policy : null,',
    to: 'policy: host.policy,',
    why: 'a page shows a policy that the agent of the host does not follow',
    tests: [FLEET_TEST],
  },
];
