'use client';

import { ChevronDown, ChevronUp, Clock, Copy, Download, Search, WrapText } from 'lucide-react';
import type { KeyboardEvent } from 'react';
import { cx } from '@/app/_ui/cx';
import { IconButton } from '@/app/_ui/icon-button';
import { toast } from '@/app/_ui/toast-store';
import type { DrawerSettings } from './drawer-settings';
import { copyText } from '../text/copy-text';
import type { OutputFeed } from '../feed/output-feed';
import { plainOutput } from '../text/sgr';
import type { SearchView } from './use-search';

/** Search, line wrapping, timestamps, copy and download of one output. */
export function OutputToolbar({
  feed,
  search,
  settings,
  onSettings,
}: {
  feed: OutputFeed;
  search: SearchView;
  settings: DrawerSettings;
  onSettings: (change: Partial<DrawerSettings>) => void;
}) {
  return (
    // On narrow windows above the command, whose height changes.
    <div className="flex min-w-0 shrink-0 items-center gap-0.5 max-md:order-first max-md:w-full">
      <SearchBox search={search} />
      {/* On a phone, the search needs their space. */}
      <div className={cx('flex items-center gap-0.5', search.query !== '' && 'max-md:hidden')}>
        <IconButton
          size="sm"
          label="Wrap long lines"
          aria-pressed={settings.wrap}
          onClick={() => onSettings({ wrap: !settings.wrap })}
        >
          <WrapText className="size-4" aria-hidden="true" />
        </IconButton>
        <IconButton
          size="sm"
          label="Show timestamps"
          aria-pressed={settings.times}
          onClick={() => onSettings({ times: !settings.times })}
        >
          <Clock className="size-4" aria-hidden="true" />
        </IconButton>
        <IconButton size="sm" label="Copy all lines" onClick={() => void copyAll(feed)}>
          <Copy className="size-4" aria-hidden="true" />
        </IconButton>
        <a
          href={`/api/output/${encodeURIComponent(feed.commandId)}${settings.times ? '?times=1' : ''}`}
          download
          aria-label="Download"
          data-tip="Download"
          className="inline-flex size-7 shrink-0 items-center justify-center rounded-md text-muted hover:bg-hover hover:text-ink pointer-coarse:size-10"
        >
          <Download className="size-4" aria-hidden="true" />
        </a>
      </div>
    </div>
  );
}

async function copyAll(feed: OutputFeed): Promise<void> {
  const lines = Array.from(feed.buffer.rows(), (row) => plainOutput(row.text));
  const count = `${lines.length.toLocaleString('en')} ${lines.length === 1 ? 'line' : 'lines'}`;
  if (lines.length === 0) toast({ tone: 'info', title: 'Nothing to copy yet' });
  else if (await copyText(`${lines.join('\n')}\n`)) toast({ tone: 'success', title: `Copied ${count}` });
  else
    toast({
      tone: 'error',
      title: 'Could not copy',
      body: 'This browser does not allow pages to copy. Download the output instead.',
    });
}

function SearchBox({ search }: { search: SearchView }) {
  const { query, count, number, isFull } = search;
  const key = (event: KeyboardEvent) => {
    if (event.key === 'Enter') {
      event.preventDefault();
      search.step(event.shiftKey ? -1 : 1);
    } else if (event.key === 'Escape' && query !== '') {
      event.stopPropagation();
      search.setQuery('');
    }
  };
  const total = `${count.toLocaleString('en')}${isFull ? '+' : ''}`;
  const found =
    query === '' ? '' : count === 0 ? 'none' : number > 0 ? `${number.toLocaleString('en')} of ${total}` : total;
  return (
    <div className="mr-1 flex min-w-0 items-center max-md:grow">
      <label className="relative flex min-w-0 items-center max-md:grow">
        <span className="sr-only">Search output</span>
        <Search aria-hidden="true" className="pointer-events-none absolute left-2 size-3.5 text-faint" />
        <input
          type="search"
          value={query}
          onChange={(event) => search.setQuery(event.target.value)}
          onKeyDown={key}
          placeholder="Search"
          autoComplete="off"
          spellCheck={false}
          maxLength={200}
          className={cx(
            'h-7 w-52 min-w-0 rounded-md border border-control bg-surface pl-7 text-xs max-md:w-full max-md:text-base',
            'focus-visible:outline-offset-0 pointer-coarse:h-10 [&::-webkit-search-cancel-button]:hidden',
            query === '' ? 'pr-2' : 'pr-20',
          )}
        />
        <span role="status" className="pointer-events-none absolute right-2 text-2xs text-muted">
          {found}
          {found !== '' && <span className="sr-only"> found</span>}
        </span>
      </label>
      {count > 0 && (
        <>
          <IconButton size="sm" label="Previous match" onClick={() => search.step(-1)}>
            <ChevronUp className="size-4" aria-hidden="true" />
          </IconButton>
          <IconButton size="sm" label="Next match" onClick={() => search.step(1)}>
            <ChevronDown className="size-4" aria-hidden="true" />
          </IconButton>
        </>
      )}
    </div>
  );
}
