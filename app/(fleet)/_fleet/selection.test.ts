import { describe, expect, it } from 'vitest';
import { Selection } from './selection';

const SHOWN = ['a', 'b', 'c', 'd', 'e'];

describe('Selection', () => {
  it('selects a range from the last click, in either direction', () => {
    const selection = new Selection();
    selection.setShown(SHOWN);
    selection.toggle('d', false);
    selection.toggle('b', true);
    expect([...selection.get()].sort()).toEqual(['b', 'c', 'd']);
    selection.toggle('c', true);
    expect([...selection.get()].sort()).toEqual(['d']);
  });

  it('toggles one host when the range has no anchor or the anchor is not shown', () => {
    const selection = new Selection();
    selection.setShown(SHOWN);
    selection.toggle('c', true);
    expect([...selection.get()]).toEqual(['c']);
    selection.setShown(['d', 'e']);
    selection.toggle('e', true);
    expect([...selection.get()].sort()).toEqual(['c', 'e']);
  });

  it('selects or deselects all shown hosts and leaves the others alone', () => {
    const selection = new Selection();
    selection.toggle('elsewhere', false);
    selection.setShown(['a', 'b']);
    selection.toggle('a', false);
    selection.toggleShown();
    expect([...selection.get()].sort()).toEqual(['a', 'b', 'elsewhere']);
    selection.toggleShown();
    expect([...selection.get()]).toEqual(['elsewhere']);
  });

  it('notifies its listeners, and makes a new set only when something changed', () => {
    const selection = new Selection();
    let calls = 0;
    const stop = selection.subscribe(() => (calls += 1));
    selection.clear();
    expect(calls).toBe(0);
    selection.toggle('a', false);
    const before = selection.get();
    selection.clear();
    stop();
    selection.toggle('b', false);
    expect(calls).toBe(2);
    expect([...before]).toEqual(['a']);
    expect([...selection.get()]).toEqual(['b']);
  });
});
