/** What a screen reader is to announce of the connection. */
import type { ConnectionStatus } from '@/app/_live/fleet-copy';

/** A state that ends sooner is not announced, and neither is the recovery from it. */
export const ANNOUNCED_AFTER_MS = 1_500;

const TEXTS: Readonly<Record<ConnectionStatus['kind'], string>> = {
  connecting: 'Connecting',
  live: 'Connected again.',
  checking: 'Checking the connection.',
  reconnecting: 'The connection was lost. Reconnecting.',
  'signed-out': 'You are signed out.',
};

export interface AnnouncerPorts {
  /** Calls back once; the function that it returns cancels that. */
  after: (ms: number, call: () => void) => () => void;
  /** Replaces the text of the live region. */
  announce: (text: string) => void;
}

/**
 * Announces each state of the connection once, when it has lasted. The first live connection of a page is no news. Each
 * change starts the wait again, so that a state that comes and goes is not announced at all.
 */
export class ConnectionAnnouncer {
  private announced: ConnectionStatus['kind'] = 'live';
  private awaited: ConnectionStatus['kind'] | null = null;
  private cancel: (() => void) | null = null;

  constructor(private readonly ports: AnnouncerPorts) {}

  changed(kind: ConnectionStatus['kind']): void {
    // Each attempt to reconnect is the same state.
    if (kind === this.awaited) return;
    this.stop();
    if (kind === this.announced) return;
    this.awaited = kind;
    this.cancel = this.ports.after(ANNOUNCED_AFTER_MS, () => {
      this.awaited = null;
      this.cancel = null;
      this.announced = kind;
      this.ports.announce(TEXTS[kind]);
    });
  }

  stop(): void {
    this.cancel?.();
    this.cancel = null;
    this.awaited = null;
  }
}
