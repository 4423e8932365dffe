/** docs/operations.md as the tests use it: what the document says is what runs. */
import { readFileSync } from 'node:fs';

const DOCUMENT = 'docs/operations.md';

/**
 * The text of a fenced block that the document marks with `<!-- test: NAME -->` before it. Blocks of one name belong
 * together and are joined in their order.
 */
export function documentBlock(name: string): string {
  // In a list, the block is indented as its mark is.
  const fence = new RegExp(`^( *)<!-- test: ${name} -->\\n+\\1\`\`\`\\w*\\n([\\s\\S]*?)^\\1\`\`\``, 'gm');
  const blocks = [...readFileSync(DOCUMENT, 'utf8').matchAll(fence)].map(([, indent = '', block = '']) =>
    block.replace(new RegExp(`^${indent}`, 'gm'), ''),
  );
  if (blocks.length === 0) throw new Error(`${DOCUMENT} has no block marked "test: ${name}".`);
  return blocks.join('');
}
