/** Schemas for the answers of both forges, whose APIs are alike by design. Unused fields are ignored. */
import { z } from 'zod';
import { FULL_COMMIT } from '@/lib/git/commit-id';
import { plainText } from '@/lib/text/plain-text';
import type { ChangedFile, PullRequest } from './forge';

const sha = z.string().regex(FULL_COMMIT);
const time = z.iso.datetime({ offset: true }).transform((value) => Date.parse(value));
const page = z.string().refine((value) => /^https?:\/\//.test(value) && URL.canParse(value));
const number = z.number().int().positive();

/** One page of a list, and whether its `link` header has a next page (RFC 8288). */
export const pageSchema = <Item>(item: z.ZodType<Item>) => z.object({ items: z.array(item), hasNext: z.boolean() });

const repository = z.object({ full_name: z.string() });

export const pullSchema = z.object({
  number,
  title: z.string(),
  html_url: page,
  state: z.enum(['open', 'closed']),
  draft: z.boolean().nullish(),
  user: z.object({ login: z.string() }).nullish(),
  labels: z.array(z.object({ name: z.string().nullish() })).nullish(),
  created_at: time,
  merged: z.boolean().nullish(),
  merged_at: z.string().nullish(),
  merge_commit_sha: z.string().nullish(),
  mergeable: z.boolean().nullish(),
  /** GitHub alone: clean, unstable, has_hooks, blocked, behind, dirty, draft, unknown. */
  mergeable_state: z.string().nullish(),
  head: z.object({ ref: z.string(), sha, repo: repository.nullish() }),
  base: z.object({ ref: z.string(), repo: repository }),
});
export type PullAnswer = z.infer<typeof pullSchema>;

/**
 * A pull request in a list. An unreadable one (its fork and commit are gone) becomes null and must not hide the others.
 */
const listedPullSchema = z.unknown().transform((value) => pullSchema.safeParse(value).data ?? null);

/** A page of pull requests. If none is readable, it is not a list of pull requests. */
export const pullPageSchema = pageSchema(listedPullSchema).refine(
  ({ items }) => items.length === 0 || items.some((item) => item !== null),
);

export function listedPulls(items: readonly (PullAnswer | null)[]): PullRequest[] {
  return items.flatMap((item) => (item === null ? [] : [pullRequestOf(item, '')])).sort((a, b) => b.number - a.number);
}

export function pullRequestOf(answer: PullAnswer, obstacle: string): PullRequest {
  const isMerged = answer.merged ?? answer.merged_at != null;
  const from = answer.head.repo?.full_name.toLowerCase();
  const { merge_commit_sha: commit } = answer;
  return {
    number: answer.number,
    title: plainText(answer.title, 300),
    url: answer.html_url,
    author: plainText(answer.user?.login ?? '', 100),
    createdAt: answer.created_at,
    labels: (answer.labels ?? []).map(({ name }) => plainText(name ?? '', 100)),
    isOpen: answer.state === 'open',
    isDraft: answer.draft ?? false,
    isMerged,
    // For an open one it is GitHub's trial merge, which is on no branch.
    mergeCommit: isMerged && commit != null && FULL_COMMIT.test(commit) ? commit : '',
    mergeable: answer.mergeable ?? null,
    obstacle,
    base: plainText(answer.base.ref, 250),
    head: plainText(answer.head.ref, 250),
    headSha: answer.head.sha,
    isFromFork: from !== answer.base.repo.full_name.toLowerCase(),
  };
}

export const fileSchema = z.object({
  filename: z.string(),
  previous_filename: z.string().nullish(),
  status: z.string(),
});

/** A file that moved counts under both names. */
export function changedFilesOf(answer: readonly z.infer<typeof fileSchema>[]): ChangedFile[] {
  return answer.flatMap(({ filename, previous_filename: former, status }) => {
    const file = { path: filename, removed: status === 'removed' || status === 'deleted' };
    return former == null || former === '' || former === filename ? [file] : [file, { path: former, removed: true }];
  });
}

export const checkRunsSchema = z.object({
  total_count: z.number().int().nonnegative(),
  check_runs: z.array(z.object({ status: z.string(), conclusion: z.string().nullish() })),
});

/** `statuses` is null in Forgejo when empty; the state is in `state` at GitHub and in `status` at Forgejo. */
export const combinedStatusSchema = z.object({
  statuses: z
    .array(z.object({ context: z.string().nullish(), state: z.string().nullish(), status: z.string().nullish() }))
    .nullish(),
});

export const mergeSchema = z.object({ sha, merged: z.boolean() });
export const createdSchema = z.object({ number, html_url: page });
