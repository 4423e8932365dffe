import type { Metadata } from 'next';
import { Card } from '@/app/_ui/card';
import { requireSession } from '@/lib/auth/next/app-session';
import { ThemeChoices } from './theme-choices';

export const metadata: Metadata = { title: 'Appearance' };

export default async function AppearancePage() {
  await requireSession();
  return (
    <Card title="Appearance" description="Stored in this browser.">
      <ThemeChoices />
    </Card>
  );
}
