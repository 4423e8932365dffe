/**
 * A fake forge for tests: it answers like GitHub and Forgejo (shapes, statuses, paging, conditional requests) from a
 * small model of one repository.
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { serve } from '@/lib/desired/testing/repository';
import { forgejoRoutes } from './fake-forgejo';
import { githubRoutes } from './fake-github';
import type { FakeForgeResponse, RouteRequest } from './fake-responses';
import { FAKE_FORGE_REPO, fault } from './fake-responses';

export type Dialect = 'github' | 'forgejo';

export interface FakePull {
  number: number;
  title: string;
  author: string;
  createdAt: string;
  labels: string[];
  state: 'open' | 'closed';
  draft: boolean;
  merged: boolean;
  mergeCommit: string;
  mergeable: boolean | null;
  /** GitHub's `mergeable_state`. */
  mergeableState: string;
  base: string;
  head: string;
  headSha: string;
  /** `owner/name` of the head repository; null when it was deleted. */
  headRepo: string | null;
  files: { filename: string; status: string; previous_filename?: string }[];
  checks: { status: string; conclusion: string | null }[];
  statuses: string[];
}

export interface FakeForgeRequest {
  method: string;
  /** Path and query. */
  url: string;
  headers: IncomingMessage['headers'];
  body: string;
}

export type Routes = (asked: RouteRequest, forge: FakeForge) => FakeForgeResponse;

/** Answers a request itself, or returns null for the usual answer. */
export type Intercept = (request: FakeForgeRequest, response: ServerResponse) => FakeForgeResponse | 'handled' | null;

export const FAKE_FORGE_TOKEN = 'st4nd-in-t0ken-that-must-never-be-seen';

export class FakeForge {
  readonly requests: FakeForgeRequest[] = [];
  readonly pulls = new Map<number, FakePull>();
  /** By branch or commit: path and text. */
  readonly files = new Map<string, Map<string, string>>();
  intercept: Intercept | null = null;
  /** Servers may return fewer items in a page than requested. */
  maxPageItems = 100;
  url = '';
  private close: () => Promise<void> = () => Promise.resolve();
  private lastSha = 0;

  constructor(readonly dialect: Dialect) {}

  async start(): Promise<void> {
    const server = await serve((request, response) => void this.handle(request, response));
    this.url = server.url;
    this.close = server.close;
  }

  stop(): Promise<void> {
    return this.close();
  }

  newSha(): string {
    this.lastSha += 1;
    return createHash('sha1').update(`${this.dialect} ${this.lastSha}`).digest('hex');
  }

  setFile(ref: string, path: string, content: string): void {
    const files = this.files.get(ref) ?? new Map<string, string>();
    files.set(path, content);
    this.files.set(ref, files);
  }

  /** Adds an open pull request, by default a flake update. */
  addPull(change: Partial<FakePull> = {}): FakePull {
    const pull: FakePull = {
      number: Math.max(0, ...this.pulls.keys()) + 1,
      title: 'flake.lock: Update',
      author: 'flake-bot',
      createdAt: '2026-01-31T06:00:00Z',
      labels: ['dependencies', 'automated'],
      state: 'open',
      draft: false,
      merged: false,
      mergeCommit: '',
      mergeable: true,
      mergeableState: 'clean',
      base: 'main',
      head: 'update_flake_lock_action',
      headSha: this.newSha(),
      headRepo: FAKE_FORGE_REPO,
      files: [{ filename: 'flake.lock', status: 'modified' }],
      checks: [],
      statuses: [],
      ...change,
    };
    this.pulls.set(pull.number, pull);
    return pull;
  }

  merge(pull: FakePull): void {
    pull.merged = true;
    pull.state = 'closed';
    pull.mergeCommit = this.newSha();
    const head = this.files.get(pull.headSha);
    for (const [path, content] of head ?? []) this.setFile(pull.base, path, content);
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const seen: FakeForgeRequest = {
      method: request.method ?? 'GET',
      url: request.url ?? '/',
      headers: request.headers,
      body: Buffer.concat(chunks).toString('utf8'),
    };
    this.requests.push(seen);
    const taken = this.intercept?.(seen, response) ?? null;
    if (taken === 'handled') return;
    const answer = taken ?? this.answer(seen);
    const etag = `"${createHash('sha256').update(answer.body).digest('hex').slice(0, 32)}"`;
    const headers: Record<string, string> = { 'content-type': 'application/json; charset=utf-8', ...answer.headers };
    // GitHub has an entity tag on every answer to GET; Forgejo on files.
    if (seen.method === 'GET' && answer.status === 200 && (this.dialect === 'github' || seen.url.includes('/raw/'))) {
      headers.etag = etag;
      if (seen.headers['if-none-match'] === etag) {
        response.writeHead(304, headers).end();
        return;
      }
    }
    response.writeHead(answer.status, headers).end(answer.body);
  }

  private answer(request: FakeForgeRequest): FakeForgeResponse {
    const { headers } = request;
    const url = new URL(request.url, this.url);
    const scheme = /^(?:token|bearer) (.*)$/i.exec(headers.authorization ?? '');
    if (scheme?.[1] !== FAKE_FORGE_TOKEN) return this.routes(null, url, request);
    return this.routes(scheme[1], url, request);
  }

  private routes(token: string | null, url: URL, request: FakeForgeRequest): FakeForgeResponse {
    const isGitHub = this.dialect === 'github';
    const root = isGitHub ? `/repos/${FAKE_FORGE_REPO}` : `/api/v1/repos/${FAKE_FORGE_REPO}`;
    if (token === null) {
      return isGitHub
        ? fault(401, { message: 'Bad credentials', documentation_url: 'https://docs.github.com/rest', status: '401' })
        : fault(401, { message: 'invalid username, password or token', url: `${this.url}/api/swagger` });
    }
    if (!url.pathname.startsWith(`${root}/`)) return this.notFound();
    const asked: RouteRequest = {
      method: request.method,
      path: decodeURIComponent(url.pathname.slice(root.length)),
      query: url.searchParams,
      headers: request.headers,
      body: request.body === '' ? {} : (JSON.parse(request.body) as Record<string, unknown>),
      origin: this.url,
    };
    return (isGitHub ? githubRoutes : forgejoRoutes)(asked, this);
  }

  notFound(): FakeForgeResponse {
    return this.dialect === 'github'
      ? fault(404, { message: 'Not Found', documentation_url: 'https://docs.github.com/rest', status: '404' })
      : fault(404, { errors: null, message: "The target couldn't be found.", url: `${this.url}/api/swagger` });
  }
}
