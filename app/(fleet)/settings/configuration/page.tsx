import type { Metadata } from 'next';
import { requireSession } from '@/lib/auth/next/app-session';
import { runtime } from '@/lib/dashboard/runtime';
import { ConfigurationTable } from './configuration-table';

export const metadata: Metadata = { title: 'Configuration' };

/** Every setting with its value, source and description. */
export default async function ConfigurationPage() {
  await requireSession();
  return <ConfigurationTable settings={runtime().about.settings} />;
}
