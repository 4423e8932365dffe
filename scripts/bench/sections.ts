/** Sections of `docs/benchmarks.md` that are measured separately: each stands between two marks and survives a rewrite of the rest. */

const begin = (name: string) => `<!-- ${name}: begin -->`;
const end = (name: string) => `<!-- ${name}: end -->`;
const ANY_BEGIN = /<!-- ([a-z-]+): begin -->/g;

/** The page with this section in it, in the place of its older self or at the end. */
export function withSection(page: string, name: string, text: string): string {
  const section = `${begin(name)}\n\n${text.trim()}\n\n${end(name)}`;
  const from = page.indexOf(begin(name));
  const to = page.indexOf(end(name));
  if (from < 0 || to < from) return `${page.trimEnd()}\n\n${section}\n`;
  return page.slice(0, from) + section + page.slice(to + end(name).length);
}

/** A new page with the sections of the page before. */
export function withSectionsOf(before: string, page: string): string {
  const sections = [...before.matchAll(ANY_BEGIN)].flatMap(({ index, 1: name = '' }) => {
    const to = before.indexOf(end(name), index);
    return to < 0 ? [] : [before.slice(index, to + end(name).length)];
  });
  return [page.trimEnd(), ...sections].join('\n\n') + '\n';
}
