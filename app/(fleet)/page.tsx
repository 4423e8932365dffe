import type { Metadata } from 'next';
import { requirePermission } from '@/lib/auth/next/permission';
import { Fleet } from './_fleet/fleet';

export const metadata: Metadata = { title: 'Fleet' };

export default async function FleetPage() {
  await requirePermission('view');
  return <Fleet />;
}
