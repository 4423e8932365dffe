'use client';

import { CircleUser } from 'lucide-react';
import { IconButton, type IconButtonProps } from '@/app/_ui/icon-button';
import { useOnDemand } from '@/app/_ui/on-demand';

const loadMenu = async () => (await import('./account-menu')).AccountMenu;

/** The way to the account's menu, which is made when it is first asked for. */
export function AccountButton() {
  const { Part: AccountMenu, ask, warm } = useOnDemand(loadMenu);
  if (AccountMenu) return <AccountMenu trigger={<Trigger />} />;
  return <Trigger aria-haspopup="menu" aria-expanded={false} onClick={ask} onPointerEnter={warm} onFocus={warm} />;
}

function Trigger(props: Partial<IconButtonProps>) {
  return (
    <IconButton {...props} label="Account and appearance">
      <CircleUser className="size-5" aria-hidden="true" strokeWidth={1.75} />
    </IconButton>
  );
}
