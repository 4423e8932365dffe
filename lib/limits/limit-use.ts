/** How much of one of the dashboard's limits is in use, for Settings and metrics. */
export interface LimitUse {
  /** Names it in metrics: lower-case words joined by underscores. */
  id: string;
  /** Names it for a person: `Unregistered agent connections`. */
  label: string;
  used: number;
  max: number;
  /** How often something was refused or ended because of it since the start. */
  refused: number;
  /** Who takes the most of it, the greatest first: addresses, or names of tokens. At most a handful. */
  by: readonly { who: string; count: number }[];
}
