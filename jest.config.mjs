// Tests are TypeScript, compiled with the sources by `tsc --build`; what runs here is what ships, but for its looks at globals.
const compiled = {
  testEnvironment: 'node',
  transform: { '/dist/.*\\.js$': '<rootDir>/scripts/jest-transform.mjs' },
  roots: [
    '<rootDir>/packages',
    '<rootDir>/fixtures',
    '<rootDir>/bench',
    '<rootDir>/soak',
    '<rootDir>/fuzz',
    '<rootDir>/test',
  ],
  modulePathIgnorePatterns: ['/node_modules/'],
};
const deviceTests = '**/dist/test/**/*.device.test.js';

/** Tests that reach a device run once with each FFI adapter. */
const withAdapter = name => ({
  ...compiled,
  displayName: name,
  testMatch: [deviceTests],
  setupFiles: [`<rootDir>/scripts/jest-${name}.mjs`],
});

export default {
  projects: [
    {
      ...compiled,
      displayName: 'plain',
      setupFiles: ['<rootDir>/scripts/jest-seed.mjs'],
      testMatch: ['**/dist/test/**/*.test.js'],
      testPathIgnorePatterns: ['\\.device\\.test\\.js$', '/node_modules/'],
    },
    withAdapter('koffi'),
    withAdapter('ffi-napi'),
  ],
  testSequencer: '<rootDir>/scripts/jest-sequencer.mjs',
  // A hang shall end; no test takes a twentieth of it on a quiet machine, but CI's may be a slow and busy one.
  testTimeout: 180_000,
  // Jest leaves a processor idle by default: half of them on a small machine.
  maxWorkers: '100%',
};
