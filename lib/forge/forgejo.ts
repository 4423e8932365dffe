/** Forgejo and Gitea through their REST API (`/api/v1`, described by each server at `/api/swagger`). */
import { z } from 'zod';
import { shownAddress } from '@/lib/git/repository-address';
import { withoutTrailingSlashes } from '@/lib/text/trailing-slashes';
import { createForgeQuery, UnexpectedAnswer, hasNextPage, isNotFound, readPages, StatusFault } from './forge-request';
import { summarise, stateOfStatus } from './check-runs';
import type { ForgeNames } from './forge-faults';
import type { Forge, MergeMethod } from './forge';
import {
  changedFilesOf,
  combinedStatusSchema,
  createdSchema,
  fileSchema,
  listedPulls,
  pageSchema,
  pullPageSchema,
  pullRequestOf,
  pullSchema,
  type PullAnswer,
} from './forge-schemas';
import { createForgeFetch } from './transport';

export interface ForgejoOptions {
  /** Address of the forge itself: `https://git.example.org`. */
  url: string;
  /** `owner/name` */
  repo: string;
  token: string | null;
  now: () => number;
  /** Milliseconds from any start; by default those of this process. Set by tests. */
  elapsed?: () => number;
  /** Shortened by tests. */
  timeoutMs?: number;
}

interface Text {
  text: string;
  link: string | null;
}

/** The default of `MAX_RESPONSE_ITEMS`, a server's upper limit; servers may set it lower. */
const PER_PAGE = 50;

export function createForgejo({ url, repo, token, now, elapsed, timeoutMs }: ForgejoOptions): Forge {
  const base = `${withoutTrailingSlashes(url)}/api/v1/repos/${repo.split('/').map(encodeURIComponent).join('/')}`;
  const fetch = createForgeFetch({ timeoutMs });
  const names: ForgeNames = {
    name: 'Forgejo',
    repo,
    server: shownAddress(url),
    urlVariable: 'NIXFLEET_FORGEJO_URL',
    tokenVariable: 'NIXFLEET_FORGEJO_TOKEN',
    repoVariable: 'NIXFLEET_FORGEJO_REPO',
    permissions: 'the scope write:repository',
    token,
  };
  const ask = createForgeQuery(names, now, (error) => error, elapsed);

  async function request(path: string, signal: AbortSignal, method = 'GET', body?: object): Promise<Text> {
    const response = await fetch(`${base}${path}`, {
      method,
      signal,
      headers: {
        accept: 'application/json',
        'user-agent': 'nixfleet',
        ...(token === null ? {} : { authorization: `token ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (response.status < 300) return { text, link: response.headers.get('link') };
    throw new StatusFault({
      status: response.status,
      header: (name) => response.headers.get(name),
      detail: messageSchema.safeParse(maybeJson(text)).data?.message ?? '',
    });
  }

  const json = async (...args: Parameters<typeof request>): Promise<unknown> =>
    parseJson((await request(...args)).text);

  async function pageOf(path: string, signal: AbortSignal): Promise<unknown> {
    const { text, link } = await request(path, signal);
    return { items: parseJson(text), hasNext: hasNextPage(link) };
  }

  const pullRequest: Forge['pullRequest'] = async (number, signal) => {
    const answer = await ask(`read pull request #${number}`, pullSchema, () => json(`/pulls/${number}`, signal));
    return answer.ok ? { ok: true, value: pullRequestOf(answer.value, obstacleOf(answer.value)) } : answer;
  };

  return {
    kind: 'forgejo',
    name: names.name,
    repo,
    pullRequest,
    async openPullRequests(branch, signal) {
      const answer = await readPages((page) =>
        ask('list pull requests', pullPageSchema, () =>
          pageOf(`/pulls?state=open&sort=recentupdate&limit=${PER_PAGE}&page=${page}`, signal),
        ),
      );
      if (!answer.ok) return answer;
      const { items, isComplete } = answer.value;
      const pulls = listedPulls(items).filter((pull) => pull.base === branch);
      return { ok: true, value: { pulls, isComplete } };
    },
    async changedFiles(number, signal) {
      const answer = await readPages((page) =>
        ask(`read the files of pull request #${number}`, pageSchema(fileSchema), () =>
          pageOf(`/pulls/${number}/files?limit=${PER_PAGE}&page=${page}`, signal),
        ),
      );
      if (!answer.ok) return answer;
      const { items, isComplete } = answer.value;
      return { ok: true, value: { files: changedFilesOf(items), isComplete } };
    },
    async checks(sha, signal) {
      const answer = await ask('read commit statuses', combinedStatusSchema, () =>
        json(`/commits/${encodeURIComponent(sha)}/status?limit=${PER_PAGE}`, signal),
      );
      if (!answer.ok) return answer;
      return {
        ok: true,
        value: summarise(
          (answer.value.statuses ?? []).map(({ status, state }) => stateOfStatus(status ?? state ?? '')),
        ),
      };
    },
    async file(path, ref, signal) {
      const place = path.split('/').map(encodeURIComponent).join('/');
      const answer = await ask(`read ${path}`, textSchema, () =>
        request(`/raw/${place}?ref=${encodeURIComponent(ref)}`, signal),
      );
      if (isNotFound(answer)) return { ok: true, value: null };
      return answer.ok ? { ok: true, value: answer.value.text } : answer;
    },
    async merge(number, headSha, method, signal) {
      const order = { Do: method satisfies MergeMethod, head_commit_id: headSha };
      const answer = await ask(`merge pull request #${number}`, textSchema, () =>
        request(`/pulls/${number}/merge`, signal, 'POST', order),
      );
      if (!answer.ok) return answer;
      // The answer is empty, so the commit is requested.
      const merged = await pullRequest(number, signal);
      return { ok: true, value: { commit: merged.ok ? merged.value.mergeCommit : '' } };
    },
    async createPullRequest(wanted, signal) {
      const answer = await ask('open a pull request', createdSchema, () => json('/pulls', signal, 'POST', wanted));
      return answer.ok ? { ok: true, value: { number: answer.value.number, url: answer.value.html_url } } : answer;
    },
  };
}

/** Forgejo reports conflicts; it reports branch rules only when it refuses a merge. */
function obstacleOf(answer: PullAnswer): string {
  if (answer.state !== 'open') return '';
  if (answer.draft ?? false) return 'It is a draft: remove "WIP:" from the start of its title.';
  return answer.mergeable === false
    ? 'It conflicts with the branch, or Forgejo is still checking: look again in a minute, or have the update recreated.'
    : '';
}

const textSchema = z.object({ text: z.string() });
const messageSchema = z.object({ message: z.string() });

function maybeJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new UnexpectedAnswer('not JSON');
  }
}
