import type { Metadata } from 'next';
import { Card } from '@/app/_ui/card';
import { requirePermission } from '@/lib/auth/next/permission';
import { ThemeChoices } from './theme-choices';

export const metadata: Metadata = { title: 'Appearance' };

export default async function AppearancePage() {
  await requirePermission('manage-account');
  return (
    <Card title="Appearance" description="Stored in this browser.">
      <ThemeChoices />
    </Card>
  );
}
