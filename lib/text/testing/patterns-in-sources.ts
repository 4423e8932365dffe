/** Finds every regular expression in the sources, by their syntax tree. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

export interface FoundPattern {
  /** `lib/text/plain-text.ts:20`. */
  place: string;
  source: string;
  flags: string;
}

/** The patterns of these files, and the places of those that can't be read without running the program. */
export function findPatterns(root: string, files: readonly string[]): { patterns: FoundPattern[]; unread: string[] } {
  const patterns: FoundPattern[] = [];
  const unread: string[] = [];
  for (const file of files) {
    const tree = ts.createSourceFile(file, readFileSync(join(root, file), 'utf8'), ts.ScriptTarget.ES2022, true);
    const texts = new Map<string, string>();
    const visit = (node: ts.Node): void => {
      const place = `${file}:${tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1}`;
      if (ts.isVariableDeclaration(node) && ts.isIdentifier(node.name) && node.initializer) {
        const text = textOf(node.initializer, texts);
        if (text !== null) texts.set(node.name.text, text);
      }
      if (ts.isRegularExpressionLiteral(node)) {
        const end = node.text.lastIndexOf('/');
        patterns.push({ place, source: node.text.slice(1, end), flags: node.text.slice(end + 1) });
      }
      if (isRegExpCall(node)) {
        const [first, second] = node.arguments ?? [];
        const source = first && textOf(first, texts);
        const flags = second ? textOf(second, texts) : '';
        if (source == null || flags === null) unread.push(place);
        else patterns.push({ place, source, flags });
      }
      ts.forEachChild(node, visit);
    };
    visit(tree);
  }
  return { patterns, unread };
}

function isRegExpCall(node: ts.Node): node is ts.NewExpression | ts.CallExpression {
  return (
    (ts.isNewExpression(node) || ts.isCallExpression(node)) &&
    ts.isIdentifier(node.expression) &&
    node.expression.text === 'RegExp'
  );
}

/** The value of a text that is made of literals and constants of the same file; null for any other expression. */
function textOf(node: ts.Expression, constants: ReadonlyMap<string, string>): string | null {
  if (ts.isStringLiteralLike(node)) return node.text;
  if (ts.isIdentifier(node)) return constants.get(node.text) ?? null;
  if (ts.isTaggedTemplateExpression(node) && node.tag.getText() === 'String.raw') return rawOf(node.template);
  if (!ts.isTemplateExpression(node)) return null;
  let text = node.head.text;
  for (const { expression, literal } of node.templateSpans) {
    const part = textOf(expression, constants);
    if (part === null) return null;
    text += part + literal.text;
  }
  return text;
}

function rawOf(template: ts.TemplateLiteral): string | null {
  return ts.isNoSubstitutionTemplateLiteral(template) ? template.getText().slice(1, -1) : null;
}
