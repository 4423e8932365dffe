import type { Metadata } from 'next';
import { redirect } from 'next/navigation';
import { getClientAddress } from '@/lib/auth/next/app-session';
import { runtime } from '@/lib/dashboard/runtime';
import { qrImage } from '../../_account/qr-image';
import { Card } from '../../_ui/card';
import { Heading } from '../heading';
import { SetupWizard } from './setup-wizard';

export const metadata: Metadata = { title: 'Set up' };

export default async function SetupPage({ searchParams }: { searchParams: Promise<Record<string, unknown>> }) {
  const { code } = await searchParams;
  const address = await getClientAddress();
  const { auth } = runtime();
  const state = await auth.setupState();
  if (state.kind === 'done') redirect('/login');
  const setupCode = typeof code === 'string' ? code : '';
  const offer = await auth.offerSetup(setupCode, address);
  return (
    <Card>
      {offer === null ? (
        <Heading title="This link is not valid">
          Its code is wrong, was already used, or is from an earlier start. Restart the dashboard and open the new link
          that it prints. After several wrong codes, wait a moment first.
        </Heading>
      ) : (
        <SetupWizard
          setupCode={setupCode}
          totp={state.needsTotp ? { secret: offer.secret, image: await qrImage(offer.uri) } : null}
        />
      )}
    </Card>
  );
}
