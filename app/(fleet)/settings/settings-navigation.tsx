'use client';

import { Archive, GitPullRequest, Info, KeyRound, Palette, SlidersHorizontal, UserRound } from 'lucide-react';
import Link from 'next/link';
import { usePathname } from 'next/navigation';
import { useEffect, useRef } from 'react';
import { cx } from '@/app/_ui/cx';

const PAGES = [
  { href: '/settings', label: 'Account', Icon: UserRound },
  { href: '/settings/hosts', label: 'Hosts and tokens', Icon: KeyRound },
  { href: '/settings/forge', label: 'Forge', Icon: GitPullRequest },
  { href: '/settings/configuration', label: 'Configuration', Icon: SlidersHorizontal },
  { href: '/settings/appearance', label: 'Appearance', Icon: Palette },
  { href: '/settings/backups', label: 'Backups', Icon: Archive },
  { href: '/settings/about', label: 'About', Icon: Info },
];

export function SettingsNavigation() {
  const path = usePathname();
  const list = useRef<HTMLElement>(null);
  // On phones the list scrolls sideways: the current page must be in view.
  useEffect(() => {
    const current = list.current?.querySelector<HTMLElement>('[aria-current]');
    if (!list.current || !current) return;
    const { offsetLeft, offsetWidth } = current;
    list.current.scrollLeft = offsetLeft - list.current.offsetLeft - (list.current.clientWidth - offsetWidth) / 2;
  }, [path]);
  return (
    <nav ref={list} aria-label="Settings" className="thin-scrollbar max-md:-mx-4 max-md:overflow-x-auto max-md:px-4">
      <ul className="flex gap-1 md:flex-col">
        {PAGES.map(({ href, label, Icon }) => (
          <li key={href}>
            <Link
              href={href}
              aria-current={path === href ? 'page' : undefined}
              className={cx(
                'flex h-9 items-center gap-2.5 rounded-md px-2.5 text-sm font-medium md:px-3 whitespace-nowrap focus-visible:-outline-offset-2 pointer-coarse:h-11',
                path === href ? 'bg-accent-soft text-accent' : 'text-muted hover:bg-hover hover:text-ink',
              )}
            >
              <Icon className="size-4 max-md:hidden" aria-hidden="true" />
              {label}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}
