import { ShieldCheck, ShieldOff } from 'lucide-react';
import type { Metadata } from 'next';
import { Badge } from '@/app/_ui/badge';
import { Card } from '@/app/_ui/card';
import { TimeAgo } from '@/app/_ui/time-ago';
import { requireSession } from '@/lib/auth/app-session';
import { runtime } from '@/lib/runtime';
import { Fact, Facts } from './facts';
import { SignOutButton } from './sign-out-button';
import { TimeLeft } from '@/app/_ui/time-left';

export const metadata: Metadata = { title: 'Account' };

/** Who is signed in, since when, and what protects the account. */
export default async function AccountPage() {
  const session = await requireSession();
  const hasSecondFactor = runtime().auth.requiresTotp();
  return (
    <Card title="Account" flush actions={<SignOutButton />}>
      <Facts>
        <Fact name="Signed in as">{session.userName}</Fact>
        <Fact name="This session">
          began <TimeAgo at={session.createdAt} />, ends in <TimeLeft until={session.expiresAt} /> at the latest
        </Fact>
        <Fact
          name="Second factor"
          hint={
            hasSecondFactor
              ? 'Signing in asks for the code of an authenticator app beside the password.'
              : 'The password alone opens this dashboard, which can run commands on every host. Set NIXFLEET_TOTP_SECRET to ask for a code as well.'
          }
        >
          {hasSecondFactor ? (
            <Badge tone="ok" icon={<ShieldCheck className="size-3.5" aria-hidden="true" />}>
              On
            </Badge>
          ) : (
            <Badge tone="warn" icon={<ShieldOff className="size-3.5" aria-hidden="true" />}>
              Off
            </Badge>
          )}
        </Fact>
      </Facts>
    </Card>
  );
}
