/** The position of each operation in the menus of one host and of several. */
import { OPERATION_IDS, type OperationId } from '@/lib/protocol/operation-ids';

const SECTIONS = ['run', 'control', 'host'] as const;

interface MenuPosition {
  section: (typeof SECTIONS)[number];
  /** Position within the section, from 1. */
  rank: number;
  /** Also offered for several hosts at once. */
  several: boolean;
}

/** Null: in no menu. Such an operation has a button elsewhere, or is not offered. */
const POSITIONS: Readonly<Record<OperationId, MenuPosition | null>> = {
  pull: null,
  switch: null,
  'pull-switch': { section: 'run', rank: 1, several: true },
  test: null,
  rollback: { section: 'control', rank: 2, several: true },
  update: null,
  stop: null,
  kill: { section: 'control', rank: 4, several: false },
  restart: { section: 'control', rank: 1, several: true },
  reboot: { section: 'control', rank: 5, several: true },
  'check-version': null,
  'refresh-git': null,
  'refresh-lock': null,
  'refresh-system': { section: 'run', rank: 3, several: false },
  'refresh-all': { section: 'run', rank: 2, several: true },
  'force-update': null,
  boot: { section: 'run', rank: 4, several: true },
  'switch-generation': { section: 'control', rank: 3, several: true },
  'merge-pr': null,
  'set-color': { section: 'host', rank: 1, several: true },
  'remove-host': { section: 'host', rank: 2, several: true },
  'add-host': null,
};

/** The sections of a menu, each with its operations in order. */
export function operationMenu(hosts: 'one' | 'several'): readonly (readonly OperationId[])[] {
  return SECTIONS.map((section) =>
    OPERATION_IDS.flatMap((id) => {
      const position = POSITIONS[id];
      return position?.section === section && (hosts === 'one' || position.several)
        ? [{ id, rank: position.rank }]
        : [];
    })
      .sort((a, b) => a.rank - b.rank)
      .map(({ id }) => id),
  );
}
