/**
 * The version of the dashboard and its agent. It is in the file VERSION; npm needs it in package.json as well, and a
 * test keeps the two equal.
 */
import manifest from '@/package.json';

export const VERSION: string = manifest.version;
