import { AGENT_MUTANTS } from './agent-mutants';
import { AUTH_MUTANTS } from './auth-mutants';
import { COMMAND_MUTANTS } from './command-mutants';
import { EDGE_MUTANTS } from './edge-mutants';
import { GIT_MUTANTS } from './git-mutants';
import type { Mutant } from './mutant';
import { POLICY_MUTANTS } from './policy-mutants';
import { STORE_MUTANTS } from './store-mutants';
import { TURN_MUTANTS } from './turn-mutants';

/** All changes, in the order in which they are tried. */
export const ALL_MUTANTS: readonly Mutant[] = [
  ...TURN_MUTANTS,
  ...AGENT_MUTANTS,
  ...COMMAND_MUTANTS,
  ...POLICY_MUTANTS,
  ...EDGE_MUTANTS,
  ...STORE_MUTANTS,
  ...AUTH_MUTANTS,
  ...GIT_MUTANTS,
];
