/** Reads headings and links of Markdown documents. */
import { dirname, join } from 'node:path';

/**
 * The text below each heading, with its subsections, by the heading's anchor as forges make it: lower case, without
 * punctuation, blanks as hyphens, and `-1`, `-2` where a heading is repeated.
 */
export function sectionsOf(markdown: string): Map<string, string> {
  const sections = new Map<string, string>();
  const lines = withoutCode(markdown).split('\n');
  const levels = lines.map((line) => /^(#{1,6}) /.exec(line)?.[1]?.length ?? null);
  for (const [index, level] of levels.entries()) {
    if (level === null) continue;
    const title = (lines[index] ?? '').replace(/^#+ /, '');
    const plain = title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-');
    let anchor = plain;
    for (let repeated = 1; sections.has(anchor); repeated += 1) anchor = `${plain}-${repeated}`;
    const end = levels.findIndex((other, at) => at > index && other !== null && other <= level);
    sections.set(anchor, lines.slice(index + 1, end === -1 ? undefined : end).join('\n'));
  }
  return sections;
}

/** The targets of all links to files and headings of the repository, as `path` or `path#anchor` from its root. */
export function linksOf(path: string, markdown: string): string[] {
  return [...withoutCode(markdown).matchAll(/(?:\]\(|src="|srcset=")([^)\s"]+)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/i.test(target))
    .map((target) => (target.startsWith('#') ? `${path}${target}` : join(dirname(path), target)));
}

/** Code blocks may hold lines that look like headings and links. Their lines become empty. */
function withoutCode(markdown: string): string {
  return markdown.replace(/^( *)(`{3,})[^\n]*\n.*?^\1\2$/gms, (block) => block.replace(/[^\n]/g, ''));
}
