import {
  Clock,
  Download,
  FlaskConical,
  History,
  Layers,
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
import type { OperationId } from '@/lib/protocol/operation-ids';

const OPERATION_ICONS: Readonly<Record<OperationId, typeof Play | null>> = {
  pull: Download,
  switch: Play,
  'pull-switch': Zap,
  test: FlaskConical,
  rollback: History,
  update: null,
  stop: Square,
  kill: OctagonX,
  restart: RotateCw,
  reboot: Power,
  'check-version': null,
  'refresh-git': null,
  'refresh-lock': null,
  'refresh-system': ScanSearch,
  'refresh-all': RefreshCw,
  'force-update': null,
  boot: Clock,
  'switch-generation': Layers,
  'merge-pr': null,
  'set-color': Palette,
  'remove-host': Trash2,
  'add-host': null,
};

/** The icon of an operation, if it has one. */
export function OperationIcon({ operation, className = 'size-3.5' }: { operation: OperationId; className?: string }) {
  const Icon = OPERATION_ICONS[operation];
  return Icon && <Icon className={className} aria-hidden="true" />;
}
