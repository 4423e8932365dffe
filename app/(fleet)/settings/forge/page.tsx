import type { Metadata } from 'next';
import { requireSession } from '@/lib/auth/next/app-session';
import { runtime } from '@/lib/dashboard/runtime';
import { ForgeSettingsPanel } from './forge-settings';

export const metadata: Metadata = { title: 'Forge' };

/** The variables that this page is about. */
const NAMES = /^NIXFLEET_(?:GITHUB_|FORGEJO_|UPDATE_|MERGE_METHOD$|CONFIG_BRANCH$|COLOR_|NIXCFG_PATH$)/;

/** The forge that holds the configuration: what is configured, how it does, and what to set. */
export default async function ForgePage() {
  await requireSession();
  return <ForgeSettingsPanel settings={runtime().about.settings.filter(({ name }) => NAMES.test(name))} />;
}
