'use client';

import { Info, OctagonX, TriangleAlert } from 'lucide-react';
import { useState } from 'react';
import { useFlakeUpdates } from '@/app/_live/live';
import { cx } from '@/app/_ui/cx';
import { steadyRows } from '@/app/_ui/steady';
import { PipelineSlot } from '../_pipelines/pipeline-slot';
import { UpdateSlot } from '../_updates/update-slot';
import { useStatusNotices, type StatusNotice } from './notices';
import { StatusSlot } from './status-slot';

const LEVELS = {
  error: { Icon: OctagonX, word: 'Error: ', soft: 'bg-bad-soft text-bad', text: 'text-bad' },
  warning: { Icon: TriangleAlert, word: 'Warning: ', soft: 'bg-warn-soft text-warn', text: 'text-warn' },
  info: { Icon: Info, word: '', soft: 'bg-busy-soft text-busy', text: 'text-busy' },
};

/** While nothing else is in the line. Not with an action: its button would move when something comes. */
const WHOLE_LINE = 'has-[+:empty+:empty]:col-span-3';

/**
 * Everything that comes and goes on its own, in one line that is always there: notices, pipelines, and the flake update.
 * Each has a fixed place, so that none moves another or the page below.
 */
export function StatusLine() {
  const notices = useStatusNotices();
  return (
    <>
      <div
        data-testid="status-line"
        className="relative z-15 grid h-9 grid-cols-[minmax(0,1fr)_6.5rem_5rem] items-end gap-1.5 px-4 pointer-coarse:h-12 sm:grid-cols-[minmax(0,1fr)_10rem_9rem] md:px-6 lg:grid-cols-[minmax(0,1fr)_15rem_15rem]"
      >
        <div className={cx('col-start-1 row-start-1 min-w-0', notices[0]?.action === undefined && WHOLE_LINE)}>
          {notices[0] && <Notices first={notices[0]} all={notices} />}
        </div>
        <div className="col-start-2 row-start-1 min-w-0 empty:hidden">
          <PipelineSlot />
        </div>
        <div className="col-start-3 row-start-1 min-w-0 empty:hidden">
          <UpdateSlot />
        </div>
      </div>
      <Announcements notices={notices} />
    </>
  );
}

function Notices({ first, all }: { first: StatusNotice; all: readonly StatusNotice[] }) {
  const { Icon, soft, word } = LEVELS[first.level];
  return (
    <StatusSlot
      name="Notices"
      className={soft}
      action={first.action}
      summary={
        <>
          <Icon className="size-4 shrink-0" aria-hidden="true" />
          <span className="one-line" data-testid="first-notice">
            <span className="sr-only">{word}</span>
            {first.text}
          </span>
          {all.length > 1 && (
            <span className="shrink-0">
              +{all.length - 1}
              <span className="sr-only"> more</span>
            </span>
          )}
        </>
      }
    >
      <NoticeList notices={all} />
    </StatusSlot>
  );
}

const textOf = ({ text }: StatusNotice) => text;

/** In the order of the moment in which the panel was opened: one that comes or goes must not move the others. */
function NoticeList({ notices }: { notices: readonly StatusNotice[] }) {
  const [opened] = useState(notices);
  const { rows } = steadyRows(opened, notices, textOf);
  const known = new Set(opened.map(textOf));
  return (
    <ul>
      {rows.map(({ item, isGone }) => (
        <NoticeLine key={item.text} notice={item} isGone={isGone} />
      ))}
      {notices.map((notice) => !known.has(notice.text) && <NoticeLine key={notice.text} notice={notice} />)}
    </ul>
  );
}

function NoticeLine({
  notice: { level, text, detail, action },
  isGone = false,
}: {
  notice: StatusNotice;
  /** It no longer holds. */
  isGone?: boolean;
}) {
  const { Icon, word, text: color } = LEVELS[level];
  return (
    <li
      className={cx(
        'flex items-start gap-2.5 border-t px-4 py-3 text-sm first:border-t-0',
        isGone && 'line-through opacity-55',
      )}
    >
      <Icon className={cx('mt-0.5 size-4 shrink-0', color)} aria-hidden="true" />
      <div className="min-w-0 grow wrap-anywhere">
        <span className="sr-only">{isGone ? 'No longer: ' : word}</span>
        {text}
        {detail !== undefined && <p className="mt-0.5 text-xs text-muted">{detail}</p>}
      </div>
      {action}
    </li>
  );
}

/** For screen readers, each once. */
function Announcements({ notices }: { notices: readonly StatusNotice[] }) {
  const { update } = useFlakeUpdates();
  return (
    <div role="status" aria-atomic="false" aria-relevant="additions" className="sr-only">
      {notices.map(({ level, text }) => (
        <p key={text}>
          {LEVELS[level].word}
          {text}
        </p>
      ))}
      {update !== null && <p key={update.number}>Flake update available: {update.title}</p>}
    </div>
  );
}
