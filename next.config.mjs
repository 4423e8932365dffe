// @ts-check

/**
 * Hosts that may post server actions when a proxy changes the Host header. Read here because Next reads this file at
 * the start of the production server too; `lib/config/index.ts` has checked the values by then.
 */
function actionHosts() {
  const { NIXFLEET_BASE_URL = '', NIXFLEET_ALLOWED_ORIGINS = '' } = process.env;
  return [NIXFLEET_BASE_URL, ...NIXFLEET_ALLOWED_ORIGINS.split(',')]
    .map((address) => address.trim())
    .filter((address) => URL.canParse(address))
    .map((address) => new URL(address).host);
}

/** The size of a server action's arguments: MAX_ACTION_BODY_BYTES in `lib/protocol/http/action-limits.ts`, which a test compares. */
const MAX_ACTION_BODY_BYTES = 512 * 1024;

/** @type {import('next').NextConfig} */
const config = {
  agentRules: false,
  poweredByHeader: false,
  reactStrictMode: true,
  // No page shows a picture from elsewhere; the endpoint that would fetch and resize one stays shut.
  images: { unoptimized: true },
  // Types are checked by `npm run validate`; a start must not fail on a test file.
  typescript: { ignoreBuildErrors: true },
  serverExternalPackages: ['better-sqlite3', 'better-sqlite3-node20', '@node-rs/argon2', '@node-rs/bcrypt'],
  experimental: {
    serverActions: { allowedOrigins: actionHosts(), bodySizeLimit: MAX_ACTION_BODY_BYTES },
    // `proxy.ts` makes Next keep a copy of each body.
    proxyClientMaxBodySize: MAX_ACTION_BODY_BYTES,
  },
};

export default config;
