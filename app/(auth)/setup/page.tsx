import type { Metadata } from 'next';
import { redirect } from 'next/navigation';
import { toString as qrCode } from 'qrcode';
import { getClientAddress } from '@/lib/auth/app-session';
import { runtime } from '@/lib/runtime';
import { Card } from '../../_ui/card';
import { Heading } from '../heading';
import { SetupWizard } from './setup-wizard';

export const metadata: Metadata = { title: 'Set up' };

/** Data and not markup: the content security policy lets an image be a data: address. */
async function qrImage(uri: string): Promise<string> {
  const svg = await qrCode(uri, { type: 'svg', margin: 2, errorCorrectionLevel: 'M' });
  return `data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}`;
}

export default async function SetupPage({ searchParams }: { searchParams: Promise<Record<string, unknown>> }) {
  const { code } = await searchParams;
  const address = await getClientAddress();
  const { auth } = runtime();
  const state = auth.setupState();
  if (state.kind === 'done') redirect('/login');
  const setupCode = typeof code === 'string' ? code : '';
  const offer = auth.offerSetup(setupCode, address);
  return (
    <Card>
      {offer === null ? (
        <Heading title="This link is not valid">
          Its code is wrong, was used before, or belongs to an earlier start. Restart the dashboard and open the new
          link that it prints. After several wrong codes, wait a moment first.
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
