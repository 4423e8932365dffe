/** Answers like Forgejo and Gitea (`/api/swagger` of each server), for the requests that NixFleet sends. */
import type { Routes, FakeForge, FakePull } from './fake-forge';
import { FAKE_FORGE_REPO, type FakeForgeResponse, fault, found, pageOf } from './fake-responses';

export const forgejoRoutes: Routes = (asked, forge) => {
  const { method, path, query, body } = asked;
  const limit = Math.min(Number(query.get('limit') ?? '30'), 50, forge.maxPageItems);

  if (path === '/pulls' && method === 'GET') {
    const open = [...forge.pulls.values()].filter(({ state }) => state === 'open');
    return pageOf(
      asked,
      open.reverse().map((pull) => shown(pull, asked.origin)),
      limit,
    );
  }
  if (path === '/pulls' && method === 'POST') return create(forge, body, asked.origin);

  const [, digits, rest] = /^\/pulls\/(\d+)(\/.*)?$/.exec(path) ?? [];
  if (digits !== undefined) {
    const pull = forge.pulls.get(Number(digits));
    if (pull === undefined) return forge.notFound();
    if (rest === undefined) return found(shown(pull, asked.origin));
    if (rest === '/files') return pageOf(asked, pull.files.map(changed), limit);
    if (rest === '/merge' && method === 'POST') return merge(forge, pull, body);
  }

  const [, sha] = /^\/commits\/([^/]+)\/status$/.exec(path) ?? [];
  if (sha !== undefined) {
    const pull = [...forge.pulls.values()].find(({ headSha }) => headSha === sha);
    // Forgejo has no check runs: what runs is a commit status too.
    const words = [
      ...(pull?.statuses ?? []),
      ...(pull?.checks ?? []).map(({ status, conclusion }) =>
        status !== 'completed' ? 'pending' : conclusion === 'success' ? 'success' : 'failure',
      ),
    ];
    const statuses = words.map((status, id) => ({
      id,
      status,
      context: `ci/${id}`,
      description: '',
      target_url: '',
      creator: null,
    }));
    return found({
      state: words[0] ?? '',
      sha,
      total_count: words.length,
      statuses: words.length === 0 ? null : statuses,
      repository: null,
    });
  }

  const [, file] = /^\/raw\/(.+)$/.exec(path) ?? [];
  if (file !== undefined) {
    const content = forge.files.get(query.get('ref') ?? 'main')?.get(file);
    return content === undefined
      ? forge.notFound()
      : { status: 200, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: content };
  }
  return forge.notFound();
};

function merge(forge: FakeForge, pull: FakePull, order: Record<string, unknown>): FakeForgeResponse {
  const url = `${forge.url}/api/swagger`;
  // Closed pull requests are answered with 404.
  if (pull.merged) return fault(405, { message: 'The PR is already merged', url });
  if (pull.state === 'closed') return forge.notFound();
  if (pull.draft) return fault(405, { message: 'Work in progress PRs cannot be merged', url });
  if (pull.mergeable !== true) return fault(405, { message: 'Please try again later', url });
  if (pull.mergeableState === 'blocked') return fault(405, { message: 'Does not have enough approvals', url });
  if (order.head_commit_id !== pull.headSha) return fault(409, { message: 'head out of date', url });
  if (!['merge', 'squash', 'rebase'].includes(String(order.Do))) return fault(422, { message: '[Do]: Required', url });
  forge.merge(pull);
  return { status: 200, headers: { 'content-type': 'text/plain' }, body: '' };
}

function create(forge: FakeForge, body: Record<string, unknown>, origin: string): FakeForgeResponse {
  const head = String(body.head);
  const known = [...forge.pulls.values()].find((pull) => pull.state === 'open' && pull.head === head);
  if (known !== undefined) {
    const message = `pull request already exists for these targets [id: ${known.number}, issue_id: ${known.number}, head_branch: ${head}]`;
    return fault(409, { message, url: `${forge.url}/api/swagger` });
  }
  const pull = forge.addPull({ title: String(body.title), head, base: String(body.base), labels: [], author: 'ada' });
  return { ...found(shown(pull, origin)), status: 201 };
}

const account = (login: string) => ({ id: 1, login, login_name: '', full_name: '', email: '', is_admin: false });

function side(ref: string, sha: string, repo: string | null) {
  return {
    label: ref,
    ref,
    sha: repo === null ? '' : sha,
    repo_id: repo === null ? 0 : 1,
    repo: repo === null ? null : { id: 1, name: repo.split('/')[1], full_name: repo, fork: repo !== FAKE_FORGE_REPO },
  };
}

function shown(pull: FakePull, origin: string) {
  return {
    id: 1_000 + pull.number,
    url: `${origin}/${FAKE_FORGE_REPO}/pulls/${pull.number}`,
    number: pull.number,
    user: account(pull.author),
    title: pull.title,
    body: 'Automated changes.',
    labels: pull.labels.map((name, id) => ({
      id,
      name,
      exclusive: false,
      is_archived: false,
      color: '0366d6',
      description: '',
      url: '',
    })),
    milestone: null,
    assignee: null,
    state: pull.state,
    is_locked: false,
    comments: 0,
    html_url: `${origin}/${FAKE_FORGE_REPO}/pulls/${pull.number}`,
    diff_url: '',
    patch_url: '',
    // Forgejo has no "not known yet": while it checks, it says no.
    mergeable: pull.mergeable ?? false,
    draft: pull.draft,
    merged: pull.merged,
    merged_at: pull.merged ? pull.createdAt : null,
    merge_commit_sha: pull.merged ? pull.mergeCommit : null,
    merged_by: pull.merged ? account('ada') : null,
    base: side(pull.base, 'f'.repeat(40), FAKE_FORGE_REPO),
    head: side(pull.head, pull.headSha, pull.headRepo),
    merge_base: 'e'.repeat(40),
    due_date: null,
    created_at: pull.createdAt,
    updated_at: pull.createdAt,
    closed_at: null,
    pin_order: 0,
  };
}

function changed({ filename, status, previous_filename }: FakePull['files'][number]) {
  return {
    filename,
    ...(previous_filename === undefined ? {} : { previous_filename }),
    status: status === 'modified' ? 'changed' : status === 'removed' ? 'deleted' : status,
    additions: 3,
    deletions: 3,
    changes: 6,
    html_url: '',
    contents_url: '',
    raw_url: '',
  };
}
