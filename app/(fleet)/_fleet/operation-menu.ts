/** Where the menus of one host and of several offer each operation. */
import { OPERATION_IDS, type OperationId } from '@/lib/protocol/live';

const SECTIONS = ['run', 'control', 'host'] as const;

interface Place {
  section: (typeof SECTIONS)[number];
  /** Place within the section, from 1. */
  rank: number;
  /** Also offered for several hosts at once. */
  several: boolean;
}

/** `null`: in no menu. Buttons, dialogs, the output drawer or the settings offer it, or nothing does. */
const PLACES: Readonly<Record<OperationId, Place | null>> = {
  pull: null,
  switch: null,
  'pull-switch': { section: 'run', rank: 1, several: true },
  test: null,
  rollback: { section: 'control', rank: 2, several: true },
  update: null,
  stop: null,
  kill: { section: 'control', rank: 3, several: false },
  restart: { section: 'control', rank: 1, several: true },
  reboot: { section: 'control', rank: 4, several: true },
  'check-version': null,
  'refresh-git': null,
  'refresh-lock': null,
  'refresh-system': { section: 'run', rank: 3, several: false },
  'refresh-all': { section: 'run', rank: 2, several: true },
  'force-update': null,
  'merge-pr': null,
  'set-color': { section: 'host', rank: 1, several: true },
  'remove-host': { section: 'host', rank: 2, several: true },
  'add-host': null,
};

/** The sections of a menu, each with its operations in order. */
export function operationMenu(hosts: 'one' | 'several'): readonly (readonly OperationId[])[] {
  return SECTIONS.map((section) =>
    OPERATION_IDS.flatMap((id) => {
      const place = PLACES[id];
      return place?.section === section && (hosts === 'one' || place.several) ? [{ id, rank: place.rank }] : [];
    })
      .sort((a, b) => a.rank - b.rank)
      .map(({ id }) => id),
  );
}
