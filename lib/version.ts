/**
 * The version of the dashboard and of the agent that belongs to it. The file VERSION says it; npm wants it in
 * package.json as well, and a test holds the two equal.
 */
import manifest from '@/package.json';

export const VERSION: string = manifest.version;
