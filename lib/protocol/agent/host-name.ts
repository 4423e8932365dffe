/** The rule for host names, for the dashboard's admission and for the agent's check of its configuration. */

/** One DNS label (RFC 1123 §2.1): letters, digits and hyphens, not at the ends, at most 63. */
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i;

/**
 * The host name that an agent claims, lower-case; null if it is not valid. A name with a domain is refused: the domain may
 * change with the network, and cutting it off could merge two hosts.
 */
export function hostNameOf(claimed: string): string | null {
  const label = claimed.trim();
  // Checked before it is made lower-case: U+212A, the Kelvin sign, becomes a plain k.
  return LABEL.test(label) ? label.toLowerCase() : null;
}
