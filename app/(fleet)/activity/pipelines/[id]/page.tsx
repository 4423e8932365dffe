import type { Metadata } from 'next';
import Link from 'next/link';
import { notFound } from 'next/navigation';
import { requirePermission, seesOf } from '@/lib/auth/next/permission';
import { runtime } from '@/lib/dashboard/runtime';
import { isVisiblePipeline } from '@/lib/fleet/visible';
import { PipelineDetail } from './pipeline-detail';

export const metadata: Metadata = { title: 'Pipeline' };

/** One pipeline: each host in each stage, live. */
export default async function PipelinePage({ params }: { params: Promise<{ id: string }> }) {
  const session = await requirePermission('view');
  const { id } = await params;
  const pipeline = await runtime().fleet.pipeline(id);
  if (!pipeline || !isVisiblePipeline(pipeline, seesOf(session))) notFound();
  return (
    <div className="mx-auto w-full max-w-6xl px-4 pt-3 pb-5 md:px-6">
      <p className="mb-1 text-xs">
        <Link href="/activity/pipelines" className="text-accent underline underline-offset-2">
          Pipelines
        </Link>
      </p>
      <PipelineDetail key={id} initial={pipeline} />
    </div>
  );
}
