import { AUTH_MUTANTS } from './auth-mutants';
import { EDGE_MUTANTS } from './edge-mutants';
import { FLEET_MUTANTS } from './fleet-mutants';
import type { Mutant } from './mutant';
import { STORE_MUTANTS } from './store-mutants';
import { TURN_MUTANTS } from './turn-mutants';

/** All changes, in the order in which they are tried. */
export const ALL_MUTANTS: readonly Mutant[] = [
  ...TURN_MUTANTS,
  ...FLEET_MUTANTS,
  ...EDGE_MUTANTS,
  ...STORE_MUTANTS,
  ...AUTH_MUTANTS,
];
