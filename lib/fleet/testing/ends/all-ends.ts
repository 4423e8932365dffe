/** All cases of how commands end, by subject. */
import { DASHBOARD_RESTART_ENDS } from './dashboard-restart-ends';
import type { EndCase } from './end-case';
import { INTERRUPTED_ENDS } from './interrupted-ends';
import { LOSS_ENDS } from './loss-ends';
import { OTHER_ENDS } from './other-ends';
import { PARTIAL_ENDS } from './partial-ends';
import { PROTOCOL_3_ENDS } from './protocol-3-ends';
import { PULL_ENDS } from './pull-ends';
import { RESTART_ENDS } from './restart-ends';
import { STOP_ENDS } from './stop-ends';
import { SWITCH_ENDS } from './switch-ends';

const SUBJECTS: readonly (readonly [string, readonly EndCase[]])[] = [
  ['pull', PULL_ENDS],
  ['switch', SWITCH_ENDS],
  ['others', OTHER_ENDS],
  ['stop and kill', STOP_ENDS],
  ['restart and reboot', RESTART_ENDS],
  ['lost and invalid frames', LOSS_ENDS],
  ['interrupted', INTERRUPTED_ENDS],
  ['partly done', PARTIAL_ENDS],
  ['protocol 3', PROTOCOL_3_ENDS],
  ['a restart of the dashboard', DASHBOARD_RESTART_ENDS],
];

export const ALL_ENDS: readonly EndCase[] = SUBJECTS.flatMap(([, cases]) => cases);

/** The cases that a player can play, by subject. */
export const endsFor = (player: 'memory' | 'sockets') =>
  SUBJECTS.flatMap(([subject, cases]) => {
    const playable = cases.filter(({ only }) => only === undefined || only.player === player);
    return playable.length === 0 ? [] : [[subject, playable] as const];
  });
