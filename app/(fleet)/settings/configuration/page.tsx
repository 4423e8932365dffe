import type { Metadata } from 'next';
import { requirePermission } from '@/lib/auth/next/permission';
import { runtime } from '@/lib/dashboard/runtime';
import { ConfigurationTable } from './configuration-table';

export const metadata: Metadata = { title: 'Configuration' };

/** Every setting with its value, source and description. */
export default async function ConfigurationPage() {
  await requirePermission('administer');
  return <ConfigurationTable settings={runtime().about.settings} />;
}
