'use client';

import { Activity, Server, Settings } from 'lucide-react';
import Link from 'next/link';
import { usePathname } from 'next/navigation';
import { cx } from '@/app/_ui/cx';
import { Logo } from '@/app/_ui/logo';

const PAGES = [
  { href: '/', label: 'Fleet', Icon: Server, isCurrent: (path: string) => path === '/' || path.startsWith('/hosts') },
  { href: '/activity', label: 'Activity', Icon: Activity, isCurrent: (path: string) => path.startsWith('/activity') },
  { href: '/settings', label: 'Settings', Icon: Settings, isCurrent: (path: string) => path.startsWith('/settings') },
];

/** The main navigation, at the left of wide screens. */
export function Rail() {
  return (
    <nav
      aria-label="Main"
      className="fixed inset-y-0 left-0 z-30 flex w-[4.5rem] flex-col items-center gap-1 border-r bg-surface py-3 max-md:hidden"
    >
      <Link href="/" aria-label="NixFleet" className="mb-3 rounded-md p-1">
        <Logo />
      </Link>
      <PageLinks className="w-[3.75rem] py-2" />
    </nav>
  );
}

/** The main navigation at the bottom of phones. */
export function BottomBar() {
  return (
    <nav
      aria-label="Main"
      className="fixed inset-x-0 bottom-0 z-30 flex border-t bg-surface pb-[env(safe-area-inset-bottom)] md:hidden"
    >
      <PageLinks className="grow py-2.5" />
    </nav>
  );
}

function PageLinks({ className }: { className: string }) {
  const path = usePathname();
  return PAGES.map(({ href, label, Icon, isCurrent }) => {
    const current = isCurrent(path);
    return (
      <Link
        key={href}
        href={href}
        aria-current={current ? 'page' : undefined}
        className={cx(
          'flex flex-col items-center gap-1 rounded-md text-2xs font-medium focus-visible:-outline-offset-2',
          current ? 'bg-accent-soft text-accent max-md:bg-transparent' : 'text-muted hover:bg-hover hover:text-ink',
          className,
        )}
      >
        <Icon className="size-5" aria-hidden="true" strokeWidth={1.75} />
        {label}
      </Link>
    );
  });
}
