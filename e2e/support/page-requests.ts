/** The requests of a page that have not ended: what the end of a dashboard would cut. */
import type { Page, Request } from '@playwright/test';

export class PageRequests {
  private readonly open = new Set<Request>();
  private waiting: (() => void)[] = [];

  /** Before the page loads anything: earlier requests are not known. */
  constructor(page: Page) {
    page.on('request', (request) => this.open.add(request));
    const ended = (request: Request) => {
      this.open.delete(request);
      const woken = this.waiting;
      this.waiting = [];
      for (const wake of woken) wake();
    };
    page.on('requestfinished', ended);
    page.on('requestfailed', ended);
  }

  /** Resolves when none is open. Unlike the load state `networkidle`, it holds after a navigation within the page, too. */
  async settled(): Promise<void> {
    while (this.open.size > 0) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }
}
