/** A reverse proxy with TLS in front of an installation: Debian's Caddy, with the lines that docs/operations.md gives. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@/scripts/free-port';
import { engine } from './engine';
import { documentBlock } from './operations-document';

const PROXY_IMAGE = 'nixfleet-test-proxy:local';
const DOCKERFILE = `
ARG BASE_IMAGE=node:24-bookworm-slim
FROM \${BASE_IMAGE}
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends caddy
CMD ["caddy", "run", "--config", "/etc/nixfleet.caddy", "--adapter", "caddyfile"]
`;
/** Of the authority that Caddy makes for names that no public one would certify. */
const AUTHORITY = '/root/.local/share/caddy/pki/authorities/local/root.crt';

export interface Proxy {
  /** The external network of the compose file, in which the proxy finds the dashboard. */
  network: string;
  /** Host and port, as in NIXFLEET_DOMAIN. */
  domain: string;
  url: string;
  /** The file with the authority of its certificate, for agents. */
  certificate: string;
}

/** Starts it; it ends when the test does. */
export async function startProxy(containers: { afterwards(work: () => Promise<unknown>): void }): Promise<Proxy> {
  const folder = mkdtempSync(join(tmpdir(), 'nixfleet-proxy-'));
  const network = `nf-proxy-${randomBytes(5).toString('hex')}`;
  const port = await freePort();
  writeFileSync(join(folder, 'Dockerfile'), DOCKERFILE);
  await engine('build', '--tag', PROXY_IMAGE, folder);
  await engine('network', 'create', network);
  // As in the document, but for the names, and a separate certificate.
  const site = documentBlock('caddy')
    .replace('fleet.barta.cm {', `https://localhost:${port} {\n\ttls internal`)
    .replace('127.0.0.1:8000', 'nixfleet:8000');
  writeFileSync(join(folder, 'nixfleet.caddy'), `{\n\tskip_install_trust\n\tauto_https disable_redirects\n}\n${site}`);
  const id = await engine(
    ...['run', '-d', '--network', network, '-p', `127.0.0.1:${port}:${port}`],
    ...['-v', `${join(folder, 'nixfleet.caddy')}:/etc/nixfleet.caddy:ro`, PROXY_IMAGE],
  );
  containers.afterwards(async () => {
    await engine('rm', '-f', id);
    await engine('network', 'rm', network);
    rmSync(folder, { recursive: true, force: true });
  });
  const certificate = join(folder, 'authority.crt');
  writeFileSync(
    certificate,
    await engine('exec', id, 'sh', '-c', `until [ -s ${AUTHORITY} ]; do sleep 0.1; done; cat ${AUTHORITY}`),
  );
  const domain = `localhost:${port}`;
  return { network, domain, url: `https://${domain}`, certificate };
}
