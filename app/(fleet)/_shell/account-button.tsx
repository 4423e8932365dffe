'use client';

import { CircleUser } from 'lucide-react';
import { IconButton, type IconButtonProps } from '@/app/_ui/icon-button';
import { useOnDemand } from '@/app/_ui/on-demand';

const loadMenu = async () => (await import('./account-menu')).AccountMenu;

/** Opens the account menu, which is created when first opened. */
export function AccountButton() {
  const { Part: AccountMenu, open, preload } = useOnDemand(loadMenu);
  if (AccountMenu) return <AccountMenu trigger={<Trigger />} />;
  return (
    <Trigger aria-haspopup="menu" aria-expanded={false} onClick={open} onPointerEnter={preload} onFocus={preload} />
  );
}

function Trigger(props: Partial<IconButtonProps>) {
  return (
    <IconButton {...props} label="Account and appearance">
      <CircleUser className="size-5" aria-hidden="true" strokeWidth={1.75} />
    </IconButton>
  );
}
