/** The version of the dashboard and of the agent that belongs to it: one place, `package.json`. */
import manifest from '@/package.json';

export const VERSION: string = manifest.version;
