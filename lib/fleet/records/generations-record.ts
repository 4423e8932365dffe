/** The stored list of a host's system generations. */

export interface SystemGeneration {
  number: number;
  /** By the host's clock; milliseconds since 1970. */
  createdAt: number;
  nixosVersion: string;
  kernelVersion: string;
  /** The commit of the configuration; empty where the configuration does not set it. */
  revision: string;
  /** Its system runs. Several generations may have the same system. */
  runs: boolean;
  /** The next boot starts it. */
  nextBoot: boolean;
  /** Its system was started at the last boot. */
  booted: boolean;
}

export interface SystemGenerations {
  /** When the agent reported it, by the dashboard's clock. */
  at: number;
  /** How many the profile has, those that are left out included. */
  total: number;
  /** The newest first, each number once. */
  generations: readonly SystemGeneration[];
}
