/** docs/operations.md as the tests use it: what the document says is what runs. */
import { readFileSync } from 'node:fs';
import { COMPOSE, ENGINE, run } from './engine';

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

/** In the document, `docker` is whatever engine the tests have. */
const PRELUDE = `
set -euo pipefail
docker() {
  if [ "$1" = compose ]; then
    shift
    $TEST_COMPOSE "$@"
  else
    "$TEST_ENGINE" "$@"
  fi
}
`;

/** Runs the blocks of a name, as they stand in the document, with its variables set. Gives what they print. */
export async function runDocument(name: string, variables: Record<string, string>): Promise<string> {
  const { NIXFLEET_IMAGE: _image, ...inherited } = process.env;
  const env = { ...inherited, ...variables, TEST_ENGINE: ENGINE, TEST_COMPOSE: COMPOSE.join(' ') };
  const { code, stdout, stderr } = await run('bash', ['-c', PRELUDE + documentBlock(name)], { env });
  if (code !== 0) throw new Error(`The block "${name}" of ${DOCUMENT} ended with ${code}:\n${stdout}\n${stderr}`);
  return stdout + stderr;
}
