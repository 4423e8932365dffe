/** The tests run on the production build: made here when it is missing or out of date. */
import { prepare } from '../../scripts/setup/prepare.mjs';

export default async function globalSetup(): Promise<void> {
  if (process.env.NIXFLEET_E2E_BUILT === '1') return;
  await prepare(process.cwd(), 'build-if-needed');
}
