import type { Metadata } from 'next';
import { redirect } from 'next/navigation';
import { getSession } from '@/lib/auth/next/app-session';
import { runtime } from '@/lib/dashboard/runtime';
import { Card } from '../../_ui/card';
import { Heading } from '../heading';
import { LoginForm } from './login-form';

export const metadata: Metadata = { title: 'Sign in' };

export default async function LoginPage() {
  if ((await getSession()) !== null) redirect('/');
  const { auth } = runtime();
  if ((await auth.setupState()).kind === 'open') {
    return (
      <Card>
        <Heading title="Not set up yet">
          This dashboard has no password yet. Open the link that it printed at startup; a restart prints a new one.
        </Heading>
      </Card>
    );
  }
  return (
    <Card>
      <Heading title="Sign in" />
      <LoginForm asksForCode={await auth.requiresTotp()} />
    </Card>
  );
}
