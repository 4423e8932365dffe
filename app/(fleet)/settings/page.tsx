import type { Metadata } from 'next';
import { Card } from '@/app/_ui/card';
import { TimeAgo } from '@/app/_ui/time-ago';
import { requirePermission } from '@/lib/auth/next/permission';
import { runtime } from '@/lib/dashboard/runtime';
import { deviceName } from './_account/device-name';
import { PasswordCard } from './_account/password-card';
import { SecondFactorCard } from './_account/second-factor-card';
import { SessionsCard } from './_account/sessions-card';
import { Fact, Facts } from './facts';
import { SignOutButton } from './sign-out-button';
import { TimeLeft } from '@/app/_ui/time-left';

export const metadata: Metadata = { title: 'Account' };

/** The account: its second factor, password and sessions. */
export default async function AccountPage() {
  const session = await requirePermission('manage-account');
  const { auth } = runtime();
  const account = await auth.account.view(session.userId);
  const sessions = (await auth.sessionsOf(session.userId)).map((one) => ({
    id: one.idHash,
    current: one.idHash === session.idHash,
    device: deviceName(one.userAgent),
    userAgent: one.userAgent,
    address: one.address,
    createdAt: one.createdAt,
    lastSeenAt: one.lastSeenAt,
    endsAt: Math.min(one.expiresAt, one.idleEndsAt),
  }));
  // The current session comes first.
  sessions.sort((a, b) => Number(b.current) - Number(a.current));
  return (
    <div className="space-y-5">
      <Card title="Account" flush actions={<SignOutButton />}>
        <Facts>
          <Fact name="Signed in as">{session.userName}</Fact>
          <Fact name="This session">
            Started <TimeAgo at={session.createdAt} />, expires in <TimeLeft until={session.expiresAt} /> at the latest
          </Fact>
        </Facts>
      </Card>
      <SecondFactorCard account={account} />
      <PasswordCard configured={account.password === 'configured'} userName={session.userName} />
      <SessionsCard sessions={sessions} />
    </div>
  );
}
