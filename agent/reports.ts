/** Sends a fact of the host when it differs from what was sent last on the connection. */

export interface Reports {
  /** On a new connection, nothing was sent. */
  connected: () => void;
  /** Reads the fact again, and sends it if it changed. */
  check: () => void;
}

/** `read`: null where this host does not report it. `send` drops it without a connection. */
export function createReports<Fact>(read: () => Fact | null, send: (fact: Fact) => void): Reports {
  let sent = '';
  function check(): void {
    const fact = read();
    if (fact === null) return;
    const text = JSON.stringify(fact);
    if (text === sent) return;
    sent = text;
    send(fact);
  }
  return {
    connected() {
      sent = '';
      check();
    },
    check,
  };
}
