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
  roots: ['<rootDir>/src'],
  testEnvironment: '<rootDir>/jest-environment.cjs',
  testMatch: ['**/__tests__/**/*.spec.{ts,tsx}'],
  transform: {
    '\\.[jt]sx?$': ['babel-jest', { configFile: false, presets }]
  },
  transformIgnorePatterns: [`/node_modules/(?!(${esm.join('|')})/)`]
};
