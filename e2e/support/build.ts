/** The tests run on the production build: made here when it is missing or out of date. */
import { execFileSync } from 'node:child_process';

export default function globalSetup(): void {
  if (process.env.NIXFLEET_E2E_BUILT === '1') return;
  execFileSync('node', ['scripts/build.mjs'], { stdio: 'inherit' });
}
