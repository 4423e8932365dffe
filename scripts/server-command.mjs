// @ts-check
/** How the production server is started. Dockerfile and nix/packages/dashboard.nix start it with the same options. */

/**
 * The young generation of each thread may grow to three times this size. Node's default of 16 MB takes 30 MB more under
 * load and saves no measurable time (docs/decisions/0062-young-generation.md).
 */
export const SERVER_OPTIONS = ['--max-semi-space-size=8'];

/** Arguments of `node`, in the project's folder. */
export const SERVER_COMMAND = [...SERVER_OPTIONS, 'dist/server.mjs'];
