import type { Metadata } from 'next';
import { requirePermission } from '@/lib/auth/next/permission';
import { runtime } from '@/lib/dashboard/runtime';
import { ForgeSettingsPanel } from './forge-settings';

export const metadata: Metadata = { title: 'Forge' };

/** The settings shown on this page. */
const NAMES = /^NIXFLEET_(?:GITHUB_|FORGEJO_|UPDATE_|MERGE_METHOD$|CONFIG_BRANCH$|COLOR_|NIXCFG_PATH$)/;

/** The forge of the configuration repository: its state and its settings. */
export default async function ForgePage() {
  await requirePermission('administer');
  return <ForgeSettingsPanel settings={runtime().about.settings.filter(({ name }) => NAMES.test(name))} />;
}
