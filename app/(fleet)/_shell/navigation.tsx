'use client';

import { Activity, Server, Settings } from 'lucide-react';
import Link from 'next/link';
import { usePathname } from 'next/navigation';
import { cx } from '@/app/_ui/cx';
import { Logo } from '@/app/_ui/logo';

const PLACES = [
  { href: '/', label: 'Fleet', Icon: Server, isHere: (path: string) => path === '/' || path.startsWith('/hosts') },
  { href: '/activity', label: 'Activity', Icon: Activity, isHere: (path: string) => path.startsWith('/activity') },
  { href: '/settings', label: 'Settings', Icon: Settings, isHere: (path: string) => path.startsWith('/settings') },
];

/** The places of the dashboard, at the left of wide screens. */
export function Rail() {
  return (
    <nav
      aria-label="Main"
      className="fixed inset-y-0 left-0 z-30 flex w-[4.5rem] flex-col items-center gap-1 border-r bg-surface py-3 max-md:hidden"
    >
      <Link href="/" aria-label="NixFleet" className="mb-3 rounded-md p-1">
        <Logo />
      </Link>
      <Places className="w-[3.75rem] py-2" />
    </nav>
  );
}

/** The same at the lower edge of phones, in reach of a thumb. */
export function BottomBar() {
  return (
    <nav
      aria-label="Main"
      className="fixed inset-x-0 bottom-0 z-30 flex border-t bg-surface pb-[env(safe-area-inset-bottom)] md:hidden"
    >
      <Places className="grow py-2.5" />
    </nav>
  );
}

function Places({ className }: { className: string }) {
  const path = usePathname();
  return PLACES.map(({ href, label, Icon, isHere }) => {
    const here = isHere(path);
    return (
      <Link
        key={href}
        href={href}
        aria-current={here ? 'page' : undefined}
        className={cx(
          'flex flex-col items-center gap-1 rounded-md text-2xs font-medium focus-visible:-outline-offset-2',
          here ? 'bg-accent-soft text-accent max-md:bg-transparent' : 'text-muted hover:bg-hover hover:text-ink',
          className,
        )}
      >
        <Icon className="size-5" aria-hidden="true" strokeWidth={1.75} />
        {label}
      </Link>
    );
  });
}
