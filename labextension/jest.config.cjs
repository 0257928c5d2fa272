// Some of these are ES modules, which Jest 29 does not load as they are.
const esm = [
  '@jupyter',
  '@jupyterlab',
  '@lumino',
  'lib0',
  'y-protocols',
  'yjs'
];
const presets = [
  ['@babel/preset-env', { targets: { node: 'current' } }],
  '@babel/preset-react',
  '@babel/preset-typescript'
];

/** @type {import('jest').Config} */
module.exports = {
  // Enough for a handful of files, and leaves the machine usable.
  maxWorkers: 2,
  rootDir: __dirname,
  // The second are the modules of the hub's pages, which have no packages of their own.
  roots: [
    '<rootDir>/src',
    '<rootDir>/../tests/unit/sandlot_hub/spawner/static'
  ],
  testEnvironment: '<rootDir>/jest-environment.cjs',
  testMatch: ['**/*.spec.{ts,tsx}'],
  // On a machine that does other things too, the first page of a file takes longer than 5 s.
  testTimeout: 60_000,
  transform: {
    '\\.[jt]sx?$': ['babel-jest', { configFile: false, presets }]
  },
  transformIgnorePatterns: [`/node_modules/(?!(${esm.join('|')})/)`]
};
