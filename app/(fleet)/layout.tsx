import { headers } from 'next/headers';
import type { ReactNode } from 'react';
import { LiveProvider } from '@/app/_live/live';
import { StepUpDialog } from '@/app/_step-up/step-up-dialog';
import { requireSession } from '@/lib/auth/next/app-session';
import { runtime } from '@/lib/dashboard/runtime';
import { OperationsProvider } from './_operations/operations';
import { dashboardAddress } from './_shell/dashboard-address';
import { LowerEdge } from './_shell/page-bar';
import { Shell } from './_shell/shell';

/** Everything behind the sign-in: the shell around each page, and the live fleet that all of them share. */
export default async function FleetLayout({ children }: { children: ReactNode }) {
  const session = await requireSession();
  const { about, fleet, paintedAt } = paint();
  const facts = {
    demo: about.demo,
    version: about.version,
    address: about.baseUrl ?? dashboardAddress(await headers()),
    userName: session.userName,
  };
  return (
    <LiveProvider fleet={fleet} paintedAt={paintedAt} buildId={about.buildId} facts={facts}>
      <OperationsProvider>
        <Shell>{children}</Shell>
        <LowerEdge />
        <StepUpDialog />
      </OperationsProvider>
    </LiveProvider>
  );
}

/** The fleet as it is now, and the time that the page's ages count from. */
function paint() {
  const running = runtime();
  return { about: running.about, fleet: running.fleetView(), paintedAt: Date.now() };
}
