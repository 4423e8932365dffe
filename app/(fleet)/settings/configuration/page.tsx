import type { Metadata } from 'next';
import { requirePermission } from '@/lib/auth/next/permission';
import { runtime } from '@/lib/dashboard/runtime';
import { ConfigurationTable } from './configuration-table';
import { UpgradeCard } from './upgrade-card';

export const metadata: Metadata = { title: 'Configuration' };

/** What has changed since an earlier version, and every setting with its value, source and description. */
export default async function ConfigurationPage() {
  await requirePermission('administer');
  const { about, upgradeNotice } = runtime();
  const unread = upgradeNotice.unread();
  return (
    <div className="space-y-5">
      {unread.length > 0 && <UpgradeCard from={upgradeNotice.from} items={unread} />}
      <ConfigurationTable settings={about.settings} />
    </div>
  );
}
