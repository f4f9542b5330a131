// The node's name and the directory for temporary files are what Node's own module would tell.
import { hostname, tmpdir } from 'node:os';
import { expect, test, vi } from 'vitest';
import { hostName, temporaryDirectory } from '../../src/environment/index.js';

test('the name is the one that Node tells', () => {
  expect(hostName()).toBe(hostname());
});

test.each([
  {},
  { TMPDIR: '/a/', TMP: '/b', TEMP: '/c' },
  { TMPDIR: '', TMP: '/b/c' },
  { TEMP: '/c' },
  { TMPDIR: '/' },
])('the directory for temporary files is the one that Node tells: %j', (env) => {
  for (const name of ['TMPDIR', 'TMP', 'TEMP'] as const) vi.stubEnv(name, (env as typeof process.env)[name]);
  expect(temporaryDirectory(env)).toBe(tmpdir());
  vi.unstubAllEnvs();
});
