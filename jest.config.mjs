// Tests are TypeScript, compiled with the sources by `tsc --build`; what runs here is what ships.
const compiled = {
  testEnvironment: 'node',
  transform: {},
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
      testMatch: ['**/dist/test/**/*.test.js'],
      testPathIgnorePatterns: ['\\.device\\.test\\.js$', '/node_modules/'],
    },
    withAdapter('koffi'),
    withAdapter('ffi-napi'),
  ],
  testTimeout: 60_000,
  // Jest leaves a processor idle by default: half of them on a small machine.
  maxWorkers: '100%',
};
