// @ts-check
import js from '@eslint/js';
import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript';
import { importX } from 'eslint-plugin-import-x';
import jsxA11y from 'eslint-plugin-jsx-a11y';
import reactHooks from 'eslint-plugin-react-hooks';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** Small and pure: they import nothing of ours but each other, and anyone may import them, the agent too. */
const PURE = ['text', 'causes', 'limits', 'timers', 'git', 'hours', 'outbox'];
const PROGRAMS = ['./app', './agent', './simulator', './scripts', './cli', './server.ts'];

/**
 * A folder of `lib` and what it may import of `lib` besides itself.
 * @param {string} folder
 * @param {readonly string[]} allowed
 */
const inLib = (folder, allowed) => ({
  target: `./lib/${folder}`,
  from: ['./lib'],
  except: [...new Set([folder, ...allowed])].map((name) => `./${name}`),
});

/**
 * A room of `lib/fleet` and the rooms below it.
 * @param {string} room
 * @param {readonly string[]} below
 */
const inFleet = (room, below) => ({
  target: `./lib/fleet/${room}`,
  from: ['./lib/fleet'],
  except: [room, ...below].map((name) => `./${name}`),
});

/** Who may import whom: docs/architecture.md, "Arrows". Each `target` may not import from `from`. */
const borders = [
  ...PURE.map((folder) => inLib(folder, PURE)),
  inLib('protocol', PURE),
  inLib('fleet', ['protocol', ...PURE]),
  inFleet('records', ['events']),
  inFleet('hosts', ['records']),
  inFleet('operations', ['records']),
  // What events are, below everything that causes one. Their sentences need the words of operations and pipelines.
  inFleet('events', ['operations/operation-words.ts', 'pipelines/pipeline-labels.ts']),
  inFleet('events.ts', ['events', 'operations', 'records']),
  inFleet('turns', ['hosts', 'operations', 'records', 'events.ts', 'events']),
  inFleet('commands', ['turns', 'hosts', 'operations', 'records', 'events.ts', 'events']),
  inFleet('pipelines', ['commands', 'turns', 'hosts', 'operations', 'records', 'events.ts', 'events']),
  inFleet('agents', ['commands', 'turns', 'hosts', 'operations', 'records', 'events.ts', 'events']),
  // The folders beside fleet do not import each other. The store knows the ports that sign-in declares.
  inLib('edge', ['protocol', 'fleet', 'log', ...PURE]),
  inLib('desired', ['protocol', 'fleet', 'log', ...PURE]),
  inLib('forge', ['protocol', 'fleet', 'log', ...PURE]),
  inLib('store', ['protocol', 'fleet', 'log', 'auth/operator/auth-ports.ts', 'auth/agents/agent-ports.ts', ...PURE]),
  // Adopting and backing up use the database file; opening it knows neither.
  { target: './lib/store/sqlite', from: ['./lib/store/adopt', './lib/store/backup'] },
  inLib('auth', ['protocol', 'fleet', 'log', 'dashboard/runtime.ts', ...PURE]),
  // Its wrappers for pages and actions reach the running dashboard; the rest of it does not.
  ...['operator', 'agents'].map((room) => ({
    target: `./lib/auth/${room}`,
    from: ['./lib/auth/next', './lib/dashboard'],
  })),
  inLib('metrics', ['protocol', 'fleet', 'singleton.ts', ...PURE]),
  { target: './lib', from: PROGRAMS },
  // Pages hold no SQL, open no socket and read no environment.
  {
    target: './app',
    from: ['./lib/store', './lib/edge', './lib/config/index.ts', ...PROGRAMS.filter((name) => name !== './app')],
  },
  // The output: text knows neither feed nor drawer, feed knows text, drawer knows both.
  { target: './app/_output/text', from: ['./app/_output/feed', './app/_output/drawer'] },
  { target: './app/_output/feed', from: ['./app/_output/drawer'] },
  ...['agent', 'simulator'].flatMap((program) => [
    { target: `./${program}`, from: ['./lib'], except: ['protocol', ...PURE].map((name) => `./${name}`) },
    { target: `./${program}`, from: PROGRAMS.filter((name) => name !== `./${program}`) },
  ]),
];

export default defineConfig(
  globalIgnores([
    'node_modules/',
    '.next/',
    'dist/',
    'data/',
    'next-env.d.ts',
    'drizzle/',
    'playwright-report/',
    'test-results/',
  ]),
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    plugins: { 'import-x': importX },
    settings: { 'import-x/resolver-next': [createTypeScriptImportResolver({ project: './tsconfig.json' })] },
    rules: {
      'no-console': 'error',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'import-x/no-restricted-paths': ['error', { basePath: import.meta.dirname, zones: borders }],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    },
  },
  // Tests inside lib may bring the pieces together.
  {
    files: ['**/*.test.ts', '**/*.test.tsx', '**/test/**', '**/testing/**'],
    rules: { 'import-x/no-restricted-paths': 'off', '@typescript-eslint/no-non-null-assertion': 'off' },
  },
  {
    files: ['**/*.test.ts', '**/*.test.tsx'],
    rules: {
      'no-restricted-properties': [
        'error',
        {
          object: 'Math',
          property: 'random',
          message: 'A test must repeat with the seed of its property: use fast-check.',
        },
      ],
    },
  },
  {
    files: ['app/**/*.{ts,tsx}'],
    ...reactHooks.configs.flat['recommended-latest'],
  },
  { files: ['app/**/*.tsx'], ...jsxA11y.flatConfigs.strict },
  {
    files: ['app/**/*.tsx'],
    rules: {
      // What scrolls must be reachable by keyboard (axe: scrollable-region-focusable); so must a window splitter (ARIA).
      'jsx-a11y/no-noninteractive-tabindex': ['error', { tags: [], roles: ['tabpanel', 'region', 'log', 'separator'] }],
    },
  },
  // Programs that speak to a person on a terminal.
  { files: ['scripts/**', 'cli/**', 'agent/main.ts', 'simulator/main.ts'], rules: { 'no-console': 'off' } },
  {
    files: ['**/*.mjs'],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        URL: 'readonly',
        Buffer: 'readonly',
        setTimeout: 'readonly',
        clearTimeout: 'readonly',
        setInterval: 'readonly',
        clearInterval: 'readonly',
        fetch: 'readonly',
        AbortSignal: 'readonly',
        AbortController: 'readonly',
      },
    },
  },
);
