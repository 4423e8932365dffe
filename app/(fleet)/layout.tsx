import { headers } from 'next/headers';
import type { ReactNode } from 'react';
import { LiveProvider } from '@/app/_live/live';
import { StepUpDialog } from '@/app/_step-up/step-up-dialog';
import { mayOf, requirePermission } from '@/lib/auth/next/permission';
import { operatorActor, type Actor } from '@/lib/fleet/may';
import { runtime } from '@/lib/dashboard/runtime';
import { OperationsProvider } from './_operations/operations';
import { dashboardAddress } from './_shell/dashboard-address';
import { LowerEdge } from './_shell/page-bar';
import { UpgradeBar } from './_shell/upgrade-bar';
import { Shell } from './_shell/shell';

/** The layout of all pages that require a session: the shell, and the live fleet that the pages share. */
export default async function FleetLayout({ children }: { children: ReactNode }) {
  const session = await requirePermission('view');
  const { about, fleet, renderedAt } = renderFleet(operatorActor(session));
  const { upgradeNotice } = runtime();
  // Only who can mark it as read sees it.
  const hasNotice = mayOf(session, 'administer', null) && upgradeNotice.unread().length > 0;
  const facts = {
    demo: about.demo,
    version: about.version,
    address: about.baseUrl ?? dashboardAddress(await headers()),
    userName: session.userName,
    confirm: about.confirm,
  };
  return (
    <LiveProvider fleet={fleet} renderedAt={renderedAt} buildId={about.buildId} facts={facts}>
      <OperationsProvider>
        <Shell notice={hasNotice && <UpgradeBar from={upgradeNotice.from} />}>{children}</Shell>
        <LowerEdge />
        <StepUpDialog />
      </OperationsProvider>
    </LiveProvider>
  );
}

/** The current view of the fleet, and the time from which the page's ages are computed. */
function renderFleet(actor: Actor) {
  const running = runtime();
  return { about: running.about, fleet: running.fleetView(actor), renderedAt: Date.now() };
}
