/** Variables of confirmed switches. */
import { DEFAULT_CONFIRM_S, MAX_CONFIRM_S, MIN_CONFIRM_S } from '@/lib/protocol/agent/confirm-window';
import { boolean, integer } from '../parsers';
import { variable, type Variable } from './variable';

export const SWITCH_VARIABLES = {
  confirmSwitches: variable({
    name: 'NIXFLEET_CONFIRM_SWITCHES',
    prose:
      'Whether a switch is undone unless the dashboard confirms it, on hosts whose agent supports this. A host can be set otherwise in its menu.',
    parse: boolean,
    fallback: true,
    fallbackText: 'true',
  }),
  confirmWindowS: variable({
    name: 'NIXFLEET_CONFIRM_WINDOW',
    prose: `How many seconds a host waits for the confirmation after the activation, from ${MIN_CONFIRM_S} to ${MAX_CONFIRM_S}.`,
    parse: integer(MIN_CONFIRM_S, MAX_CONFIRM_S),
    fallback: DEFAULT_CONFIRM_S,
    fallbackText: String(DEFAULT_CONFIRM_S),
  }),
} satisfies Record<string, Variable<unknown>>;
