import {
  Download,
  FlaskConical,
  History,
  OctagonX,
  Palette,
  Play,
  Power,
  RefreshCw,
  RotateCw,
  ScanSearch,
  Square,
  Trash2,
  Zap,
} from 'lucide-react';
import type { OperationId } from '@/lib/protocol/live';

const OPERATION_ICONS: Partial<Record<OperationId, typeof Play>> = {
  pull: Download,
  switch: Play,
  'pull-switch': Zap,
  test: FlaskConical,
  stop: Square,
  kill: OctagonX,
  rollback: History,
  restart: RotateCw,
  reboot: Power,
  'refresh-system': ScanSearch,
  'refresh-all': RefreshCw,
  'set-color': Palette,
  'remove-host': Trash2,
};

/** The picture of an operation, where it has one. */
export function OperationIcon({ operation, className = 'size-3.5' }: { operation: OperationId; className?: string }) {
  const Icon = OPERATION_ICONS[operation];
  return Icon && <Icon className={className} aria-hidden="true" />;
}
