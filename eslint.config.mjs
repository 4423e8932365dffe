// @ts-check
import js from '@eslint/js';
import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript';
import { importX } from 'eslint-plugin-import-x';
import jsxA11y from 'eslint-plugin-jsx-a11y';
import reactHooks from 'eslint-plugin-react-hooks';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** Who may look at whom: docs of the house's borders. Each `target` may not import from `from`. */
const borders = [
  // protocol imports nothing of ours.
  {
    target: './lib/protocol',
    from: ['./lib', './app', './agent', './simulator', './scripts', './cli'],
    except: ['./protocol'],
  },
  // fleet imports only protocol.
  { target: './lib/fleet', from: ['./lib'], except: ['./protocol', './fleet'] },
  { target: './lib/fleet', from: ['./app', './agent', './simulator', './scripts', './cli'] },
  // db, realtime, desired and auth do not know each other; db may know the interfaces that auth and desired declare.
  { target: './lib/realtime', from: ['./lib'], except: ['./protocol', './fleet', './realtime', './log.ts'] },
  { target: './lib/desired', from: ['./lib'], except: ['./protocol', './fleet', './desired', './log.ts'] },
  // Its wrappers for pages and actions (`app-session.ts`, `action.ts`) reach the running dashboard.
  { target: './lib/auth', from: ['./lib'], except: ['./protocol', './fleet', './auth', './log.ts', './runtime.ts'] },
  { target: './lib/db', from: ['./lib'], except: ['./protocol', './fleet', './db', './auth', './desired', './log.ts'] },
  // backups are copies of the database and know it alone.
  { target: './lib/backup', from: ['./lib'], except: ['./fleet', './db', './backup', './log.ts'] },
  // metrics count what the fleet's interfaces say.
  { target: './lib/metrics', from: ['./lib'], except: ['./protocol', './fleet', './metrics', './singleton.ts'] },
  // pages hold no SQL and read no environment.
  {
    target: './app',
    from: [
      './lib/db',
      './lib/backup',
      './lib/realtime',
      './lib/config.ts',
      './agent',
      './simulator',
      './scripts',
      './cli',
      './server.ts',
    ],
  },
  // the agent and the simulator know the wire alone.
  { target: './agent', from: ['./lib'], except: ['./protocol'] },
  { target: './agent', from: ['./app', './simulator', './scripts', './cli', './server.ts'] },
  { target: './simulator', from: ['./lib'], except: ['./protocol'] },
  { target: './simulator', from: ['./app', './agent', './scripts', './cli', './server.ts'] },
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
      'import-x/no-cycle': ['error', { maxDepth: 6, ignoreExternal: true }],
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
    files: ['**/*.test.ts', '**/*.test.tsx', '**/testing/**'],
    rules: { 'import-x/no-restricted-paths': 'off', '@typescript-eslint/no-non-null-assertion': 'off' },
  },
  {
    files: ['app/**/*.{ts,tsx}'],
    ...reactHooks.configs.flat['recommended-latest'],
  },
  { files: ['app/**/*.tsx'], ...jsxA11y.flatConfigs.strict },
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
