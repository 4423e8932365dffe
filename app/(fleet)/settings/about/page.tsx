import type { Metadata } from 'next';
import { Card } from '@/app/_ui/card';
import { requirePermission } from '@/lib/auth/next/permission';
import { runtime } from '@/lib/dashboard/runtime';
import { Fact, Facts } from '../facts';
import { LimitsCard } from './limits-card';

export const metadata: Metadata = { title: 'About' };

export default async function AboutPage() {
  await requirePermission('view');
  const { version, buildId } = runtime().about;
  return (
    <div className="space-y-5">
      <Card title="About NixFleet" description="A self-hosted dashboard for fleets of NixOS and macOS hosts." flush>
        <Facts>
          <Fact name="Version">{version}</Fact>
          <Fact name="Build">
            <code className="text-xs break-all">{buildId}</code>
          </Fact>
          <Fact name="Runtime">Node.js {process.versions.node}</Fact>
          <Fact
            name="Licence"
            hint="You may use, study, share and change it. If you offer a modified version over a network, you must offer its source to its users."
          >
            GNU Affero General Public License, version 3 only (AGPL-3.0-only)
          </Fact>
        </Facts>
      </Card>
      <LimitsCard limits={runtime().limits()} />
    </div>
  );
}
