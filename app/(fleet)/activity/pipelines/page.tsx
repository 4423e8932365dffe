import type { Metadata } from 'next';
import Link from 'next/link';
import { requirePermission } from '@/lib/auth/next/permission';
import { runtime } from '@/lib/dashboard/runtime';
import { PipelineCard } from '../../_pipelines/pipeline-card';

export const metadata: Metadata = { title: 'Pipelines' };

const SHOWN = 100;

/** The latest pipelines: what ran on which hosts, who started it and how it ended. */
export default async function PipelinesPage() {
  await requirePermission('view');
  return (
    <div className="mx-auto w-full max-w-6xl px-4 pt-3 pb-5 md:px-6">
      <p className="mb-1 text-xs">
        <Link href="/activity" className="text-accent underline underline-offset-2">
          Activity
        </Link>
      </p>
      <h1 className="mb-4 text-xl font-semibold tracking-tight">Pipelines</h1>
      <PipelineCard initial={await runtime().fleet.pipelines(SHOWN)} limit={SHOWN} />
    </div>
  );
}
