/** Which hosts are selected. Not React state, so that ticking one box renders one row. */

export type Selected = ReadonlySet<string>;

const NONE: Selected = new Set();

export class Selection {
  private selected: Selected = NONE;
  /** The row from which a shift-click extends the selection. */
  private anchor: string | null = null;
  /** The hosts that the filter shows, in order. */
  private shown: readonly string[] = [];
  private readonly listeners = new Set<() => void>();

  readonly get = (): Selected => this.selected;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Sets which hosts are shown: ranges and "all" refer to them. */
  setShown(ids: readonly string[]): void {
    this.shown = ids;
  }

  /** Toggles one host; with `range`, all from the last clicked one to this one, in the shown order. */
  toggle(id: string, range: boolean): void {
    const next = new Set(this.selected);
    const on = !this.selected.has(id);
    const ids = range ? between(this.anchor, id, this.shown) : [id];
    for (const each of ids) {
      if (on) next.add(each);
      else next.delete(each);
    }
    this.anchor = id;
    this.set(next);
  }

  /** Adds all shown hosts to the selection. */
  addShown(): void {
    this.set(new Set([...this.selected, ...this.shown]));
  }

  /** Deselects all shown hosts when all of them are selected, else selects them. */
  toggleShown(): void {
    if (!this.shown.every((id) => this.selected.has(id))) {
      this.addShown();
      return;
    }
    const shown = new Set(this.shown);
    this.set(new Set([...this.selected].filter((id) => !shown.has(id))));
  }

  clear(): void {
    this.anchor = null;
    if (this.selected.size > 0) this.set(NONE);
  }

  private set(selected: Selected): void {
    this.selected = selected;
    for (const listener of this.listeners) listener();
  }
}

function between(from: string | null, to: string, shown: readonly string[]): readonly string[] {
  const start = from === null ? -1 : shown.indexOf(from);
  const end = shown.indexOf(to);
  if (start < 0 || end < 0) return [to];
  return shown.slice(Math.min(start, end), Math.max(start, end) + 1);
}
