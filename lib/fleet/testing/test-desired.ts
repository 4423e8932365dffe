/** A desired state that a test sets. */
import { NO_DESIRED_STATE, type DesiredSource, type DesiredState, type HostRelation } from '../hosts/desired';

export class TestDesiredSource implements DesiredSource {
  state: DesiredState = NO_DESIRED_STATE;
  readonly relations = new Map<string, HostRelation>();
  /** How often a fetch was requested. */
  refreshed = 0;
  private readonly listeners = new Set<() => void>();

  set(state: Partial<DesiredState>): void {
    this.state = { ...this.state, ...state };
    for (const listener of this.listeners) listener();
  }

  relate(generation: string): HostRelation {
    return this.relations.get(generation) ?? { relation: 'unknown', commits: null };
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  refresh(): Promise<void> {
    this.refreshed += 1;
    return Promise.resolve();
  }
}
