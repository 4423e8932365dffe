/** GitHub through its official client (docs.github.com/rest, version 2022-11-28). */
import { Octokit } from '@octokit/rest';
import { z } from 'zod';
import { shownAddress } from '@/lib/git/repository-address';
import { withoutTrailingSlashes } from '@/lib/text/trailing-slashes';
import { createForgeQuery, hasNextPage, isNotFound, readPages, StatusFault } from './forge-request';
import { summarise, stateOfRun, stateOfStatus, type CheckState } from './check-runs';
import type { ForgeNames } from './forge-faults';
import type { Forge, ForgeResult } from './forge';
import {
  changedFilesOf,
  checkRunsSchema,
  combinedStatusSchema,
  createdSchema,
  fileSchema,
  listedPulls,
  pageSchema,
  pullPageSchema,
  mergeSchema,
  pullRequestOf,
  pullSchema,
} from './forge-schemas';
import { createForgeFetch, TransportFault } from './transport';

export interface GitHubOptions {
  /** Address of the API: `https://api.github.com`, or `https://HOST/api/v3` of a self-hosted server. */
  apiUrl: string;
  /** `owner/name` */
  repo: string;
  token: string | null;
  now: () => number;
  /** Milliseconds from any start; by default those of this process. Set by tests. */
  elapsed?: () => number;
  /** Shortened by tests. */
  timeoutMs?: number;
}

const PER_PAGE = 100;
/** Most check runs that are read; GitHub returns no more in one page. */
const MAX_RUNS = 100;

/** What to do for each of GitHub's states of a pull request. */
const OBSTACLES: Readonly<Record<string, string>> = {
  dirty: 'It conflicts with the branch: have the update recreated.',
  draft: 'It is a draft: mark it as ready for review on GitHub.',
  blocked: 'The rules of the branch require something first (a review, or passing checks): see its page on GitHub.',
  behind: 'It is behind the branch, whose rules require it to be up to date: update it on GitHub.',
};

export function createGitHub({ apiUrl, repo, token, now, elapsed, timeoutMs }: GitHubOptions): Forge {
  const [owner = '', name = ''] = repo.split('/');
  const target = { owner, repo: name };
  const fetch = createForgeFetch({ timeoutMs });
  // By default it logs to the console.
  const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
  const octokit = new Octokit({
    baseUrl: withoutTrailingSlashes(apiUrl),
    ...(token === null ? {} : { auth: token }),
    userAgent: 'nixfleet',
    request: { fetch, log: silent },
    log: silent,
  });
  const names: ForgeNames = {
    name: 'GitHub',
    repo,
    server: shownAddress(apiUrl),
    urlVariable: 'NIXFLEET_GITHUB_API_URL',
    tokenVariable: 'NIXFLEET_GITHUB_TOKEN',
    repoVariable: 'NIXFLEET_GITHUB_REPO',
    permissions: 'Contents and Pull requests: read and write; Checks and Commit statuses: read',
    token,
  };
  const ask = createForgeQuery(names, now, faultOf, elapsed);

  const pullRequest: Forge['pullRequest'] = async (number, signal) => {
    const answer = await ask(`read pull request #${number}`, pullSchema, () =>
      data(octokit.rest.pulls.get({ ...target, pull_number: number, request: { signal } })),
    );
    if (!answer.ok) return answer;
    const state = answer.value.mergeable_state ?? '';
    return { ok: true, value: pullRequestOf(answer.value, OBSTACLES[state] ?? '') };
  };

  async function runs(ref: string, signal: AbortSignal): Promise<ForgeResult<CheckState[]>> {
    const answer = await ask('read checks', checkRunsSchema, () =>
      data(octokit.rest.checks.listForRef({ ...target, ref, per_page: MAX_RUNS, request: { signal } })),
    );
    if (!answer.ok) return answer;
    return { ok: true, value: answer.value.check_runs.map(({ status, conclusion }) => stateOfRun(status, conclusion)) };
  }

  return {
    kind: 'github',
    name: names.name,
    repo,
    pullRequest,
    async openPullRequests(base, signal) {
      const answer = await readPages((page) =>
        ask('list pull requests', pullPageSchema, () =>
          pageOf(
            octokit.rest.pulls.list({ ...target, state: 'open', base, per_page: PER_PAGE, page, request: { signal } }),
          ),
        ),
      );
      if (!answer.ok) return answer;
      const { items, isComplete } = answer.value;
      return { ok: true, value: { pulls: listedPulls(items), isComplete } };
    },
    async changedFiles(number, signal) {
      const answer = await readPages((page) =>
        ask(`read the files of pull request #${number}`, pageSchema(fileSchema), () =>
          pageOf(
            octokit.rest.pulls.listFiles({
              ...target,
              pull_number: number,
              per_page: PER_PAGE,
              page,
              request: { signal },
            }),
          ),
        ),
      );
      if (!answer.ok) return answer;
      const { items, isComplete } = answer.value;
      return { ok: true, value: { files: changedFilesOf(items), isComplete } };
    },
    async checks(sha, signal) {
      const ofRuns = await runs(sha, signal);
      if (!ofRuns.ok) return ofRuns;
      const answer = await ask('read commit statuses', combinedStatusSchema, () =>
        data(octokit.rest.repos.getCombinedStatusForRef({ ...target, ref: sha, per_page: 100, request: { signal } })),
      );
      if (!answer.ok) return answer;
      const ofStatuses = (answer.value.statuses ?? []).map(({ state }) => stateOfStatus(state ?? ''));
      return { ok: true, value: summarise([...ofRuns.value, ...ofStatuses]) };
    },
    async file(path, ref, signal) {
      const answer = await ask(`read ${path}`, z.string(), () =>
        data(
          octokit.rest.repos.getContent({ ...target, path, ref, mediaType: { format: 'raw' }, request: { signal } }),
        ).then(textOf),
      );
      return isNotFound(answer) ? { ok: true, value: null } : answer;
    },
    async merge(number, headSha, method, signal) {
      const answer = await ask(`merge pull request #${number}`, mergeSchema, () =>
        data(
          octokit.rest.pulls.merge({
            ...target,
            pull_number: number,
            sha: headSha,
            merge_method: method,
            request: { signal },
          }),
        ),
      );
      if (!answer.ok) return answer;
      if (!answer.value.merged) {
        return { ok: false, fault: { kind: 'refused', message: `GitHub did not merge pull request #${number}.` } };
      }
      return { ok: true, value: { commit: answer.value.sha } };
    },
    async createPullRequest({ head, base, title, body }, signal) {
      const answer = await ask('open a pull request', createdSchema, () =>
        data(octokit.rest.pulls.create({ ...target, head, base, title, body, request: { signal } })),
      );
      if (!answer.ok) return answer;
      return { ok: true, value: { number: answer.value.number, url: answer.value.html_url } };
    },
  };
}

async function pageOf(response: Promise<{ data: unknown; headers: { link?: string } }>): Promise<unknown> {
  const { data: items, headers } = await response;
  return { items, hasNext: hasNextPage(headers.link) };
}

async function data(response: Promise<{ data: unknown }>): Promise<unknown> {
  return (await response).data;
}

/** A raw file arrives as text or as bytes, depending on its content type. */
function textOf(content: unknown): unknown {
  return content instanceof ArrayBuffer ? new TextDecoder().decode(content) : content;
}

const requestErrorSchema = z.object({
  name: z.literal('HttpError'),
  status: z.number(),
  response: z.object({
    headers: z.record(z.string(), z.union([z.string(), z.number()]).optional()),
    data: z.unknown(),
  }),
});
/** For a 422, `errors` explains "Validation Failed". */
const messageSchema = z
  .object({
    message: z.string(),
    errors: z
      .array(z.object({ message: z.string() }))
      .optional()
      .catch(undefined),
  })
  .transform(({ message, errors = [] }) => [message, ...errors.map((error) => error.message)].join(': '));

/** The client wraps errors of its fetch, and throws on statuses of 400 and more. */
function faultOf(error: unknown): unknown {
  if (error instanceof Error && error.cause instanceof TransportFault) return error.cause;
  const parsed = requestErrorSchema.safeParse(error);
  if (!parsed.success) return error;
  const { status, response } = parsed.data;
  return new StatusFault({
    status,
    header: (name) => {
      const value = response.headers[name];
      return value === undefined ? null : String(value);
    },
    detail: messageSchema.safeParse(response.data).data ?? '',
  });
}
