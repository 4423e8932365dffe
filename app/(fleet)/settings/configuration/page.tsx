import type { Metadata } from 'next';
import { requireSession } from '@/lib/auth/next/app-session';
import { runtime } from '@/lib/dashboard/runtime';
import { ConfigurationTable } from './configuration-table';

export const metadata: Metadata = { title: 'Configuration' };

/** What is configured, where from, and what it does. */
export default async function ConfigurationPage() {
  await requireSession();
  return <ConfigurationTable settings={runtime().about.settings} />;
}
