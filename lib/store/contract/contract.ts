/** What every contract suite of a port needs of an engine behind it. */

/** A port on a store of its own, which holds nothing at first. */
export interface OpenPort<Port> {
  store: Port;
  /** Closes the store and opens it again, as a restart would. */
  reopen(): Promise<Port>;
  /** Makes the store refuse every write until it is called with false. */
  refuse(isRefusing: boolean): Promise<void>;
  close(): Promise<void>;
}

export type Open<Port> = () => Promise<OpenPort<Port>>;

/** The largest integer that every engine and every program of this project reads the same. */
export const LARGEST = Number.MAX_SAFE_INTEGER;
/** Text with quotes, line breaks, several scripts, and characters of two code units. */
export const UNUSUAL_TEXT = `it's "quoted" \\ %_ \n\t żółć 漢字 \u{1f600} \u2028`;
/** What every refused write rejects with. */
export const REFUSAL = { name: 'DatabaseError', kind: 'read-only' };
