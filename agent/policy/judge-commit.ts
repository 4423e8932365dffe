/**
 * Judges the commit that is to be built, and gives the one place from which it may be built: a repository with that
 * commit, named by its hash. What happens to the clone meanwhile changes nothing.
 */
import { findOnPath } from '../machine';
import { shortCommit, type OperationContext, type OperationHost } from '../operation';
import type { AgentConfig } from '../config';
import type { FlakeSource } from '../flake';
import type { Repository } from '../repository';
import { createJudgedRepository, type JudgedRepository } from './judged-repository';
import { judgesCommits, policyUnreadable } from './judge-operation';
import type { Policy } from './policy-file';
import type { Refusal } from './refusal';

/** `repository`: where the judged commit is; null without a rule about commits: then it is the clone. */
export type Judged =
  { ok: true; flake: FlakeSource; repository: JudgedRepository | null } | { ok: false; refusal: Refusal };

/** What a judgement needs of the host. */
export interface JudgingHost extends Pick<OperationHost, 'repository' | 'flake' | 'env'> {
  config: Pick<AgentConfig, 'stateDir'>;
}

/** `commit`: that of the clone, in full. */
export async function judgeCommit(
  host: JudgingHost,
  context: Pick<OperationContext, 'shell' | 'policy'>,
  commit: string,
): Promise<Judged> {
  const { policy: state } = context;
  if (state.kind === 'unreadable') return { ok: false, refusal: policyUnreadable(state) };
  if (state.kind === 'none' || !judgesCommits(state.policy)) return { ok: true, flake: host.flake, repository: null };
  const judged = (await uncommitted(host, commit)) ?? (await judgeBy(host, context, state.policy, commit));
  if (!judged.ok) return judged;
  context.shell.say(`The policy of this host accepts the commit ${shortCommit(commit)}.`);
  return judged;
}

/** The refusal of a clone that is not as its commit says; null when it is. */
async function uncommitted({ repository: clone }: JudgingHost, commit: string): Promise<Judged | null> {
  const refused = (text: string): Judged => ({ ok: false, refusal: { reason: 'dirty', text } });
  const changes = await clone.changes();
  if (changes === null) return refused(`${clone.dir} can't be read, so ${nameOf(commit)} can’t be judged`);
  if (changes.length === 0) return null;
  const [first = ''] = changes;
  const more = changes.length > 1 ? ` and ${changes.length - 1} more` : '';
  return refused(`${clone.dir} has uncommitted changes (${first}${more})`);
}

/** Judges a commit by the rules of this policy alone. What is not committed has no part in it. */
export async function judgeBy(
  host: JudgingHost,
  { shell }: Pick<OperationContext, 'shell'>,
  policy: Policy,
  commit: string,
): Promise<Judged> {
  const { repository: clone, config, env } = host;
  const name = nameOf(commit);
  const refused = (reason: Refusal['reason'], text: string): Judged => ({ ok: false, refusal: { reason, text } });
  const first: Refusal['reason'] =
    policy.signers !== null ? 'signature' : policy.branches !== null ? 'branch' : 'oldest-commit';
  const notChecked = (why: string): Judged => refused(first, `${name} can’t be judged: ${why}`);

  const format = await clone.objectFormat();
  if (format === null) return notChecked(`${clone.dir} can't be read`);
  const judged = createJudgedRepository({ stateDir: config.stateDir, env, shell });
  const made = (await judged.create(format)) ?? (await copyOf(clone, judged, commit));
  if (made !== null) return notChecked(made);

  const { signers, oldestCommit, branches } = policy;
  if (signers !== null) {
    const kind = await judged.signatureOf(commit);
    if (kind === 'none') return refused('signature', `${name} is not signed`);
    if (kind === 'other') return refused('signature', `the signature of ${name} is not an SSH signature`);
    const program = findOnPath('ssh-keygen', env['PATH'] ?? '');
    if (program === null)
      return refused(
        'signature',
        `the signature of ${name} can't be checked, because ssh-keygen was not found: install OpenSSH, or add its folder to the agent's PATH`,
      );
    const signed = await judged.isSignedBy(commit, signers.content, program);
    if (typeof signed !== 'boolean') return notChecked(signed.problem);
    if (!signed) return refused('signature', `${name} is not signed by an accepted signer`);
  }
  if (oldestCommit !== '' && !(await judged.isAncestor(oldestCommit, commit)))
    return refused(
      'oldest-commit',
      `${name} is neither the oldest accepted commit ${shortCommit(oldestCommit)} nor a descendant of it${await shallowNote(clone)}`,
    );
  if (branches !== null) {
    const problem = await missingOnBranches(host, judged, { branches, commit, shell });
    if (problem !== null) return refused('branch', `${name} ${problem}${await shallowNote(clone)}`);
  }
  const pointed = await judged.pointTo(commit, await clone.remoteAddress());
  if (pointed !== null) return notChecked(pointed);
  return { ok: true, flake: host.flake.pinned(judged.folder, commit), repository: judged };
}

const nameOf = (commit: string): string => `the commit ${shortCommit(commit)}`;

/** Copies a commit with its whole history, of which one damaged object is enough to fail. Gives a clause when it does. */
async function copyOf(clone: Repository, judged: JudgedRepository, commit: string): Promise<string | null> {
  const failure = await judged.fetch(clone.dir, [commit]);
  if (failure === null) return null;
  return failure.isOfSource ? `${failure.problem}; ${await clone.reportFault(failure.problem)}` : failure.problem;
}

/** What a rule about history did not find may be left out of a shallow clone. A clause with its separator, or ''. */
async function shallowNote(clone: Repository): Promise<string> {
  if (!(await clone.isShallow())) return '';
  return `; its history is not complete: ${await clone.reportFault('its history is not complete')}`;
}

/** Why the commit is on none of the branches as the remote has them now, as a clause; null when it is on one. */
async function missingOnBranches(
  { repository: clone }: JudgingHost,
  judged: JudgedRepository,
  { branches, commit, shell }: { branches: readonly string[]; commit: string; shell: OperationContext['shell'] },
): Promise<string | null> {
  const failures: string[] = [];
  for (const branch of branches) {
    const tip = await clone.fetchBranch(shell, branch);
    if ('problem' in tip) {
      failures.push(`${branch}: ${tip.problem}`);
      continue;
    }
    const problem = tip.commit === commit ? null : await copyOf(clone, judged, tip.commit);
    if (problem !== null) failures.push(`${branch}: ${problem}`);
    else if (tip.commit === commit || (await judged.isAncestor(commit, tip.commit))) return null;
  }
  const which =
    branches.length === 1 ? `the branch ${branches[0] ?? ''}` : `one of the branches ${branches.join(', ')}`;
  return failures.length === 0
    ? `is not on ${which} of the remote`
    : `could not be found on ${which} of the remote (${failures.join('; ')})`;
}
