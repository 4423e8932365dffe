import { describe, expect, it } from 'vitest';
import { withSection, withSectionsOf } from './sections';

const PAGE = '# Benchmarks\n\nFigures.\n';

describe('sections of the benchmark page', () => {
  it('are appended, and are replaced in place', () => {
    const one = withSection(PAGE, 'adoption', 'first');
    expect(one).toBe('# Benchmarks\n\nFigures.\n\n<!-- adoption: begin -->\n\nfirst\n\n<!-- adoption: end -->\n');
    const two = withSection(`${one}\nAfter.\n`, 'adoption', 'second');
    expect(two).toBe(`${one.replace('first', 'second')}\nAfter.\n`);
  });

  it('are kept when the page is rewritten', () => {
    const before = withSection(withSection(PAGE, 'adoption', 'a'), 'image', 'b');
    expect(withSectionsOf(before, '# New\n')).toBe(withSection(withSection('# New\n', 'adoption', 'a'), 'image', 'b'));
    expect(withSectionsOf(PAGE, '# New\n')).toBe('# New\n');
  });
});
