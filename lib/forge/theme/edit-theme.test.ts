import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findSet } from '../nix/attribute-set';
import { nixTokens } from '../nix/nix-tokens';
import { setThemeColor } from './edit-theme';
import { paletteOf } from './gradient';

const FILE = `# Palettes of the fleet. hostPalette = { "in a comment" = "no"; };
/* palettes = { }; */
{
  palettes = {

    iceBlue = {
      name = "Ice Blue };"; # a brace in a string: \${x}
      note = ''
        hostPalette = { };
      '';
      gradient = {
        primary = "#98b8d8";
      };
    };
  };

  statusColors = {
    root = { bg = "#e04040"; };
  };

  hostPalette = {
    # Servers
    web = "iceBlue"; # the first
    "mba-work" = "iceBlue";
  };

  defaultPalette = "iceBlue";
  portable = [ "web" ];
}
`;

const changed = (text: string, host: string, color: string): string => {
  const result = setThemeColor(text, host, color);
  if (!result.ok) throw new Error(result.problem);
  return result.value;
};
const problem = (text: string, host = 'web'): string => {
  const result = setThemeColor(text, host, '#112233');
  return result.ok ? 'no problem' : result.problem;
};

describe('writing a colour', () => {
  it('adds the entry and the palette, and changes nothing else', () => {
    const text = changed(FILE, 'web', '#7aa2f7');
    expect(text).toContain('    web = "custom-web"; # the first\n    "mba-work" = "iceBlue";\n  };');
    expect(text).toMatch(/ {4}};\n {4}"custom-web" = \{\n {6}name = "Custom web";/);
    expect(text).toContain('        primary = "#7aa2f7";');
    const added = /\n {4}"custom-web" = \{[\s\S]*?\n {4}};/.exec(text)?.[0] ?? '';
    expect(text.replace(added, '').replace('"custom-web"', '"iceBlue"')).toBe(FILE);
  });

  it('adds a new host at the end of the set', () => {
    expect(changed(FILE, 'new-host', '#7aa2f7')).toContain(
      '    "mba-work" = "iceBlue";\n    "new-host" = "custom-new-host";\n  };',
    );
  });

  it('replaces its palette the second time, and changes nothing the third time', () => {
    const first = changed(FILE, 'web', '#7aa2f7');
    const second = changed(first, 'web', '#e0af68');
    expect(second).not.toContain('#7aa2f7');
    expect(second.match(/custom-web/g)).toHaveLength(2);
    expect(changed(second, 'web', '#e0af68')).toBe(second);
    expect(changed(second, 'web', '#7aa2f7')).toBe(first);
  });

  it('finds a host whatever the case of its name, and fills empty sets', () => {
    expect(changed(FILE.replace('web =', 'Web ='), 'web', '#7aa2f7')).toContain('Web = "custom-web"');
    const empty = changed('{ palettes = { }; hostPalette = {}; }', 'a', '#010203');
    expect(findSet(empty, 'hostPalette')).toMatchObject({ ok: true, value: { bindings: [{ name: 'a' }] } });
  });

  it.each<[string, string, RegExp]>([
    ['no such set', '{ palettes = { }; }', /has no `hostPalette = \{ … \};`/],
    ['two of them', `${FILE}\n{ hostPalette = { }; }`, /sets hostPalette 2 times/],
    ['one composed of parts', '{ palettes = {}; hostPalette = { } // other; }', /composed of parts/],
    ['one that is computed', '{ palettes = {}; hostPalette = f { }; }', /not a plain set/],
    ['the dotted form', '{ palettes = {}; hostPalette.web = "x"; }', /in the form `hostPalette\.x = …`/],
    ['an entry that is computed', '{ palettes = {}; hostPalette = { web = if a then "x" else "y"; }; }', /computed/],
    ['an entry with an interpolation', '{ palettes = {}; hostPalette = { web = "a-${b}"; }; }', /computed/],
    ['the host twice', '{ palettes = {}; hostPalette = { web = "a"; Web = "b"; }; }', /more than one web/],
    ['an unfinished string', '{ palettes = {}; hostPalette = { web = "a; }; }', /a string is not closed/],
    ['an unfinished comment', `${FILE} /*`, /a comment is not closed/],
    ['an unfinished set', '{ palettes = {}; hostPalette = { web = "a";', /hostPalette that is not closed/],
    ['nothing', '', /has no/],
  ])('refuses %s', (_what, text, expected) => {
    expect(problem(text)).toMatch(expected);
  });

  it.each(['', 'a b', 'a"; x = "', '${x}', '../x', 'ä', 'a'.repeat(64)])('refuses the host name "%s"', (host) => {
    expect(problem(FILE, host)).toMatch(/cannot hold this host name/);
  });

  it('reads what Nix reads: let, with, assert, inherit, rec, functions, lists, paths, addresses and numbers', () => {
    const text = `{ lib, hosts ? { }, ... }@args: let x = { a = ./b/c.nix; }; in rec {
      inherit (lib) mkIf; inherit x;
      palettes = { a = with lib; { b = 1.5; }; };
      u = https://example.org/x; p = <nixpkgs/lib>; n = -1; s = ''it'''s ''\${no} ''\\n \${"in ''deep''"} $''; e = x.a or "b";
      hostPalette = rec { web = "a"; c = assert true; let d = 1; in { e = [ { f = 2; } ]; }; };
    }`;
    expect(findSet(text, 'hostPalette')).toMatchObject({
      ok: true,
      value: { bindings: [{ name: 'web' }, { name: 'c' }] },
    });
    expect(changed(text, 'web', '#7aa2f7')).toContain('web = "custom-web"');
  });

  it('never throws, and can read what it wrote', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.constantFrom(
            '{',
            '}',
            '"',
            "''",
            '${',
            ';',
            '=',
            ' hostPalette ',
            ' a ',
            '/*',
            '*/',
            '#',
            '\n',
            '[',
            ']',
            '(',
            ')',
            'let ',
            'in ',
            '.',
          ),
        ),
        (parts) => {
          const text = parts.join('');
          nixTokens(text);
          findSet(text, 'hostPalette');
          setThemeColor(text, 'a', '#000000');
        },
      ),
    );
  });
});

describe('a check with Nix itself', () => {
  const hasNix = (() => {
    try {
      execFileSync('nix-instantiate', ['--version'], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  })();

  it.skipIf(!hasNix)('it parses every file that was written, and the values are those of the palette', () => {
    const folder = mkdtempSync(join(tmpdir(), 'nixfleet-nix-'));
    try {
      for (const text of [FILE, '{ palettes = { }; hostPalette = {}; }', '{palettes={};hostPalette={x="a";};}']) {
        const path = join(folder, 'theme.nix');
        writeFileSync(path, changed(changed(text, 'web', '#7aa2f7'), 'db', '#e0af68'));
        execFileSync('nix-instantiate', ['--store', 'dummy://', '--parse', path], { stdio: 'pipe' });
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('the palette of a colour', () => {
  it('has the hue of its colour at fixed lightnesses', () => {
    expect(paletteOf('#FF0000')).toEqual({
      gradient: {
        lightest: '#ff8080',
        primary: '#ff0000',
        secondary: '#bf0000',
        midDark: '#660000',
        dark: '#3d0000',
        darker: '#290000',
        darkest: '#1a0000',
      },
      text: { onLightest: '#330000', onMedium: '#000000', accent: '#ff6666', muted: '#3d0000', mutedLight: '#ff1a1a' },
      zellij: {
        bg: '#ff0000',
        fg: '#bf0000',
        frame: '#ff0000',
        black: '#1a0000',
        white: '#ffe5e5',
        highlight: '#ff8080',
      },
    });
  });

  it.each([
    ['#808080', '#bfbfbf', '#333333'],
    ['#00ff00', '#80ff80', '#006600'],
    ['#769ff0', '#8caef2', '#0a265c'],
    ['#000000', '#bfbfbf', '#333333'],
    ['#ffffff', '#bfbfbf', '#333333'],
  ])('%s: lightest %s, midDark %s', (color, lightest, midDark) => {
    expect(paletteOf(color).gradient).toMatchObject({ lightest, midDark, primary: color });
  });

  it('returns valid colours for every colour', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffffff }), (value) => {
        const { gradient, text, zellij } = paletteOf(`#${value.toString(16).padStart(6, '0')}`);
        for (const one of [gradient, text, zellij].flatMap((part) => Object.values(part)))
          expect(one).toMatch(/^#[0-9a-f]{6}$/);
      }),
    );
  });
});
