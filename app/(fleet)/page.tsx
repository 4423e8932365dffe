import type { Metadata } from 'next';
import { requireSession } from '@/lib/auth/next/app-session';
import { Fleet } from './_fleet/fleet';

export const metadata: Metadata = { title: 'Fleet' };

export default async function FleetPage() {
  await requireSession();
  return <Fleet />;
}
