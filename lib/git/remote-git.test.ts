/** Real git over real servers that redirect. */
import { rmSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createTestRepository,
  gitBackend,
  serve,
  temporaryFolder,
  type HttpTestServer,
  type TestRepository,
} from '@/lib/desired/testing/repository';
import { gitAccess } from './git-access';
import { explainGitEnd } from './git-faults';
import { createRemoteGit, type RemoteGit } from './remote-git';

const SECRET = 's3cret-of-the-repository';
const never = new AbortController().signal;

let folder: ReturnType<typeof temporaryFolder>;
let repository: TestRepository;
let servers: HttpTestServer[];
/** What the second server saw. */
let seen: { url: string; authorization: string | undefined }[];
let second: HttpTestServer;

beforeEach(async () => {
  folder = temporaryFolder();
  repository = createTestRepository(folder.path, 'new.git');
  repository.commit('one');
  seen = [];
  servers = [];
  const backend = gitBackend(folder.path);
  second = await start((request, response) => {
    seen.push({ url: request.url ?? '', authorization: request.headers.authorization });
    backend(request, response);
  });
});
afterEach(async () => {
  for (const server of servers) await server.close();
  folder.remove();
});

async function start(handler: Parameters<typeof serve>[0]): Promise<HttpTestServer> {
  const server = await serve(handler);
  servers.push(server);
  return server;
}

/** A server that wants the password and answers every request for `from` with a redirect. */
async function redirecting(from: string, to: (request: IncomingMessage) => string, status = 301) {
  const asked: string[] = [];
  const backend = gitBackend(folder.path);
  const server = await start((request, response) => {
    asked.push(request.url ?? '');
    const [, basic = ''] = (request.headers.authorization ?? '').split(' ');
    if (!Buffer.from(basic, 'base64').toString('utf8').endsWith(`:${SECRET}`))
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
    else if (request.url?.startsWith(from) === true) response.writeHead(status, { location: to(request) }).end();
    else backend(request, response);
  });
  return { server, asked };
}

function access(url: string, credentials = true) {
  const address = credentials ? url.replace('//', `//operator:${SECRET}@`) : url;
  return gitAccess(address, null, { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null' }, []);
}

function lsRemote(remote: RemoteGit, environment: NodeJS.ProcessEnv) {
  return remote((url) => ['ls-remote', '--', url, 'HEAD'], { environment, signal: never, timeoutMs: 20_000 });
}

/** Lists the repository, and gives the first line or the sentence for the operator. */
async function listed(url: string, credentials = true): Promise<string> {
  const { environment, shown, secrets } = access(url, credentials);
  const end = await lsRemote(createRemoteGit(access(url, credentials)), environment);
  const text = end.kind === 'exit' && end.code === 0 ? end.stdout.toString('utf8').split('\t')[0] : undefined;
  return text ?? explainGitEnd(end, shown, 20_000, secrets);
}

describe('a redirect to another server', () => {
  it.each([301, 302, 307, 308])(
    'with status %s gets no credentials, and a sentence says what to set',
    async (status) => {
      const { server } = await redirecting(
        '/old.git',
        ({ url = '' }) => `${second.url}${url.replace('/old.git', '/new.git/.git')}`,
        status,
      );
      const sentence = await listed(`${server.url}/old.git`);
      expect(seen).toEqual([]);
      expect(sentence).toContain(
        `redirects to ${second.url}/new.git/.git, and NixFleet sends its credentials to no other`,
      );
      expect(sentence).toContain('set NIXFLEET_CONFIG_REPO');
      expect(sentence).not.toContain(SECRET);
    },
  );

  it('gets no credentials when a redirect on the same server leads to it', async () => {
    const { server } = await redirecting('/o', ({ url = '' }) =>
      url.startsWith('/old.git') ? url.replace('/old.git', '/other.git') : `${second.url}${url}`,
    );
    expect(await listed(`${server.url}/old.git`)).toContain(`redirects to ${second.url}/other.git`);
    expect(seen).toEqual([]);
  });

  it.each([307, 308])(
    'with status %s gets no credentials when only the request for content leads to it',
    async (status) => {
      const backend = gitBackend(folder.path);
      const { url } = await start((request, response) => {
        const path = (request.url ?? '').replace('/old.git', '/new.git/.git');
        if (request.method === 'POST') response.writeHead(status, { location: `${second.url}${path}` }).end();
        else {
          request.url = path;
          backend(request, response);
        }
      });
      expect(await listed(`${url}/old.git`)).toContain(`returned error: ${status}`);
      expect(seen).toEqual([]);
    },
  );

  it('gets no credentials as a place of further objects, which a server of plain files may name', async () => {
    const head = repository.git('rev-parse', 'HEAD');
    const files: Readonly<Record<string, string>> = {
      '/old.git/HEAD': 'ref: refs/heads/main\n',
      '/old.git/info/refs': `${head}\trefs/heads/main\n`,
      '/old.git/objects/info/http-alternates': `${second.url}/new.git/.git/objects\n`,
    };
    const asked: string[] = [];
    const { url } = await start(({ url: target = '' }, response) => {
      const path = target.replace(/\?.*/, '');
      asked.push(path);
      const content = files[path];
      response.writeHead(content === undefined ? 404 : 200, { 'content-type': 'text/plain' }).end(content);
    });
    const at = access(`${url}/old.git`);
    const clone = (from: string) => ['clone', '--quiet', '--bare', '--', from, `${folder.path}/copy.git`];
    const end = await createRemoteGit(at)(clone, { ...at, signal: never, timeoutMs: 20_000 });
    expect(end.kind === 'exit' ? end.code : end.kind).toBe(128);
    expect(asked).toContain('/old.git/objects/info/http-alternates');
    expect(seen).toEqual([]);
  });

  it('is followed by git where there are no credentials', async () => {
    const first = await start(({ url = '' }, response) => {
      response.writeHead(301, { location: `${second.url}${url.replace('/old.git', '/new.git/.git')}` }).end();
    });
    expect(await listed(`${first.url}/old.git`, false)).toBe(repository.git('rev-parse', 'HEAD'));
    expect(seen.every(({ authorization }) => authorization === undefined)).toBe(true);
  });
});

describe('a repository that was renamed on its server', () => {
  it.each<[string, (url: string) => string]>([
    ['with a path', (url) => url],
    ['without the query', (url) => url.replace(/\?.*/, '')],
  ])('is found by its redirect, %s', async (_kind, cut) => {
    const { server } = await redirecting('/old.git', ({ url = '' }) => cut(url.replace('/old.git', '/new.git/.git')));
    expect(await listed(`${server.url}/old.git`)).toBe(repository.git('rev-parse', 'HEAD'));
  });

  it('is asked for at its new address from then on, and at the old one again when the new one fails', async () => {
    let target = '/new.git/.git';
    const { server, asked } = await redirecting('/old.git', ({ url = '' }) => url.replace('/old.git', target));
    const { environment } = access(`${server.url}/old.git`);
    const remote = createRemoteGit(access(`${server.url}/old.git`));
    await lsRemote(remote, environment);
    asked.length = 0;
    await lsRemote(remote, environment);
    expect(asked.filter((url) => url.startsWith('/old.git'))).toEqual([]);

    const other = createTestRepository(folder.path, 'newest.git');
    const head = other.commit('elsewhere');
    rmSync(repository.path, { recursive: true });
    target = '/newest.git/.git';
    const end = await lsRemote(remote, environment);
    expect(end.kind === 'exit' ? end.stdout.toString('utf8') : end.kind).toContain(head);
  });

  it('is not taken from a redirect to a page that is no repository', async () => {
    const { server } = await redirecting('/old.git', () => '/sign-in?from=/old.git');
    expect(await listed(`${server.url}/old.git`)).toContain('returned error: 301');
  });

  it('is given up after five redirects', async () => {
    const { server, asked } = await redirecting('/', ({ url = '' }) => url.replace('/info/refs', 'x/info/refs'));
    expect(await listed(`${server.url}/old.git`)).toContain(
      'redirects more than 5 times: set NIXFLEET_CONFIG_REPO to the final address.',
    );
    // The first attempt, and one question for each address.
    expect(asked).toHaveLength(6);
  });
});
