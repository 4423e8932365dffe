/** Answers like GitHub (docs.github.com/rest, version 2022-11-28), for the requests that NixFleet sends. */
import type { Routes, FakeForge, FakePull } from './fake-forge';
import { FAKE_FORGE_REPO, type FakeForgeResponse, fault, found, pageOf } from './fake-responses';

const DOCS = 'https://docs.github.com/rest';

export const githubRoutes: Routes = (asked, forge) => {
  const { method, path, query, body } = asked;
  const perPage = Math.min(Number(query.get('per_page') ?? '30'), forge.maxPageItems);

  if (path === '/pulls' && method === 'GET') {
    const open = [...forge.pulls.values()].filter(
      ({ state, base }) => state === 'open' && base === (query.get('base') ?? base),
    );
    return pageOf(
      asked,
      open.reverse().map((pull) => listed(pull, asked.origin)),
      perPage,
    );
  }
  if (path === '/pulls' && method === 'POST') return create(forge, body, asked.origin);

  const [, digits, rest] = /^\/pulls\/(\d+)(\/.*)?$/.exec(path) ?? [];
  if (digits !== undefined) {
    const pull = forge.pulls.get(Number(digits));
    if (pull === undefined) return forge.notFound();
    if (rest === undefined) return found(whole(pull, asked.origin));
    if (rest === '/files') return pageOf(asked, pull.files.map(changed), perPage);
    if (rest === '/merge' && method === 'PUT') return merge(forge, pull, body);
  }

  const [, sha, what] = /^\/commits\/([^/]+)\/(check-runs|status)$/.exec(path) ?? [];
  if (sha !== undefined) {
    const pull = [...forge.pulls.values()].find(({ headSha }) => headSha === sha);
    if (what === 'check-runs') {
      const runs = (pull?.checks ?? []).map((check, id) => ({
        id,
        name: `check ${id}`,
        head_sha: sha,
        ...check,
        app: { slug: 'github-actions' },
      }));
      return found({ total_count: runs.length, check_runs: runs });
    }
    const statuses = (pull?.statuses ?? []).map((state, id) => ({
      id,
      state,
      context: `ci/${id}`,
      description: null,
      target_url: null,
    }));
    return found({ state: statuses[0]?.state ?? 'pending', statuses, sha, total_count: statuses.length });
  }

  const [, file] = /^\/contents\/(.+)$/.exec(path) ?? [];
  if (file !== undefined) {
    const content = forge.files.get(query.get('ref') ?? 'main')?.get(file);
    if (content === undefined) return forge.notFound();
    const isRaw = asked.headers.accept?.includes('raw') ?? false;
    return isRaw
      ? { status: 200, headers: { 'content-type': 'application/vnd.github.v3.raw; charset=utf-8' }, body: content }
      : found({ type: 'file', encoding: 'base64', path: file, content: Buffer.from(content).toString('base64') });
  }
  return forge.notFound();
};

function merge(
  forge: FakeForge,
  pull: FakePull,
  { sha, merge_method: way }: Record<string, unknown>,
): FakeForgeResponse {
  if (pull.merged || pull.state === 'closed' || pull.mergeable === false || pull.mergeableState === 'blocked') {
    return fault(405, { message: 'Pull Request is not mergeable', documentation_url: DOCS, status: '405' });
  }
  if (sha !== pull.headSha) {
    return fault(409, {
      message: 'Head branch was modified. Review and try the merge again.',
      documentation_url: DOCS,
      status: '409',
    });
  }
  if (!['merge', 'squash', 'rebase'].includes(String(way))) {
    return fault(405, {
      message: 'Merge commits are not allowed on this repository.',
      documentation_url: DOCS,
      status: '405',
    });
  }
  forge.merge(pull);
  return found({ sha: pull.mergeCommit, merged: true, message: 'Pull Request successfully merged' });
}

function create(forge: FakeForge, body: Record<string, unknown>, origin: string): FakeForgeResponse {
  const head = String(body.head);
  if ([...forge.pulls.values()].some((pull) => pull.state === 'open' && pull.head === head)) {
    return fault(422, {
      message: 'Validation Failed',
      errors: [{ resource: 'PullRequest', code: 'custom', message: `A pull request already exists for ada:${head}.` }],
      documentation_url: DOCS,
      status: '422',
    });
  }
  const pull = forge.addPull({ title: String(body.title), head, base: String(body.base), labels: [], author: 'ada' });
  return { ...found(whole(pull, origin)), status: 201 };
}

const account = (login: string) => ({ login, id: 1, node_id: 'U_1', type: 'User', site_admin: false });

function side(ref: string, sha: string, repo: string | null) {
  const owner = repo?.split('/')[0] ?? 'unknown';
  return {
    label: `${owner}:${ref}`,
    ref,
    sha,
    user: repo === null ? null : account(owner),
    repo: repo === null ? null : { id: 1, full_name: repo, private: true, fork: repo !== FAKE_FORGE_REPO },
  };
}

/** As in a list: without `mergeable`, `mergeable_state` and `merged`. */
function listed(pull: FakePull, origin: string) {
  return {
    url: `${origin}/repos/${FAKE_FORGE_REPO}/pulls/${pull.number}`,
    id: 1_000 + pull.number,
    node_id: `PR_${pull.number}`,
    html_url: `https://github.com/${FAKE_FORGE_REPO}/pull/${pull.number}`,
    number: pull.number,
    state: pull.state,
    locked: false,
    title: pull.title,
    user: account(pull.author),
    body: 'Automated changes.',
    created_at: pull.createdAt,
    updated_at: pull.createdAt,
    closed_at: pull.state === 'closed' ? pull.createdAt : null,
    merged_at: pull.merged ? pull.createdAt : null,
    // Of an open one: the trial merge.
    merge_commit_sha: pull.merged ? pull.mergeCommit : '0123456789abcdef0123456789abcdef01234567',
    assignee: null,
    labels: pull.labels.map((name, id) => ({
      id,
      node_id: 'LA',
      name,
      color: '0366d6',
      default: false,
      description: null,
    })),
    milestone: null,
    draft: pull.draft,
    head: side(pull.head, pull.headSha, pull.headRepo),
    base: side(pull.base, 'f'.repeat(40), FAKE_FORGE_REPO),
    author_association: 'CONTRIBUTOR',
    auto_merge: null,
  };
}

function whole(pull: FakePull, origin: string) {
  return {
    ...listed(pull, origin),
    merged: pull.merged,
    mergeable: pull.merged ? null : pull.mergeable,
    rebaseable: pull.mergeable,
    mergeable_state: pull.mergeable === null ? 'unknown' : pull.mergeableState,
    merged_by: null,
    comments: 0,
    commits: 1,
    additions: 12,
    deletions: 12,
    changed_files: pull.files.length,
  };
}

function changed(file: FakePull['files'][number]) {
  return {
    sha: 'c'.repeat(40),
    additions: 3,
    deletions: 3,
    changes: 6,
    blob_url: '',
    raw_url: '',
    contents_url: '',
    patch: '@@',
    ...file,
  };
}
