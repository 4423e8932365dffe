import type { Metadata } from 'next';
import { requirePermission, seesOf } from '@/lib/auth/next/permission';
import { runtime } from '@/lib/dashboard/runtime';
import { filterFrom, filterQuery } from './activity-filter';
import { ActivityFilters } from './activity-filters';
import { ActivityList } from './activity-list';
import { eventSource } from './event-source';
import { readShownPage } from './event-pages';
import { RECENT_PIPELINES, RecentPipelines } from './recent-pipelines';

export const metadata: Metadata = { title: 'Activity' };

type SearchParams = Promise<Record<string, string | string[] | undefined>>;

/** The activity page: recent pipelines and all events. */
export default async function ActivityPage({ searchParams }: { searchParams: SearchParams }) {
  const session = await requirePermission('view');
  const asked = await searchParams;
  const filter = filterFrom({
    get: (name) => {
      const value = asked[name];
      return (Array.isArray(value) ? value[0] : value) ?? null;
    },
  });
  const page = await readShownPage(eventSource(seesOf(session)), filter, null);
  return (
    <div className="mx-auto w-full max-w-6xl px-4 pt-3 pb-5 md:px-6">
      <h1 className="mb-4 text-xl font-semibold tracking-tight">Activity</h1>
      <RecentPipelines initial={await runtime().fleet.pipelines(RECENT_PIPELINES)} />
      <ActivityFilters filter={filter} />
      <ActivityList key={filterQuery(filter)} filter={filter} initial={page} />
    </div>
  );
}
