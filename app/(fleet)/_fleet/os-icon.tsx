import { Apple, Server, Snowflake } from 'lucide-react';
import { cx } from '@/app/_ui/cx';

const WORDS: Record<string, string> = { nixos: 'NixOS', macos: 'macOS' };

/** The display name of an operating system. */
export function osName(type: string): string {
  return WORDS[type] ?? (type === '' ? 'Unknown system' : type);
}

/** The icon of a host's operating system, in the host's colour. Decorative: its name is shown beside it. */
export function OsIcon({ type, color, className }: { type: string; color: string; className?: string }) {
  const Icon = type === 'nixos' ? Snowflake : type === 'macos' ? Apple : Server;
  return <Icon aria-hidden="true" color={color} strokeWidth={2} className={cx('size-4 shrink-0', className)} />;
}
