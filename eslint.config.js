import tseslint from 'typescript-eslint';

const wallClock = [
  { object: 'Date', property: 'now', message: 'Take a Clock (core/clock.ts).' },
  { object: 'performance', property: 'now', message: 'Take a Clock (core/clock.ts).' },
  { object: 'Math', property: 'random', message: 'Take a Random (core/random.ts).' },
];
const timers = ['setTimeout', 'setInterval', 'setImmediate'].map((name) => ({
  name,
  message: 'Take a Clock (core/clock.ts).',
}));

export default tseslint.config(
  { ignores: ['node_modules/', 'dist/', '.cache/', 'reports/', 'coverage/'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.base],
    languageOptions: {
      parserOptions: { project: ['./tsconfig.json', './client/web/tsconfig.json'], tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      'no-console': 'error',
      'no-restricted-properties': ['error', ...wallClock],
      'no-restricted-globals': ['error', ...timers],
      eqeqeq: 'error',
      'prefer-const': 'error',
    },
  },
  { files: ['core/clock.ts', 'core/random.ts', 'test/support/until.ts'], rules: { 'no-restricted-properties': 'off', 'no-restricted-globals': 'off' } },
  { files: ['**/cli.ts', '**/main.ts', 'training/commands/**', 'bench/**', 'examples/**'], rules: { 'no-console': 'off' } },
);
