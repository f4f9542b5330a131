// The settings: what users set is understood, or complained of and left at its default; nothing throws.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Settings, defaultTimeout, settingsFrom } from '../../src/environment/index.js';

const defaults: Settings = {
  job: undefined,
  launcher: undefined,
  directory: undefined,
  timeout: defaultTimeout,
  strict: false,
  io: 'important',
  hole: undefined,
  libhwloc: undefined,
  xmlfile: false,
  source: '',
  verbose: false,
  spool: undefined,
  complaints: [],
};

test('without any variable all is at its default', () => {
  expect(settingsFrom({})).toEqual(defaults);
});

test.each<[string, string, Partial<Settings>]>([
  ['JOB', 'host-1-2', { job: 'host-1-2' }],
  ['DIR', '/tmp', { directory: '/tmp' }],
  ['TIMEOUT', '0.5', { timeout: 0.5 }],
  ['TIMEOUT', '86400', { timeout: 86_400 }],
  ['STRICT', '1', { strict: true }],
  ['STRICT', 'yes', { strict: true }],
  ['STRICT', '0', {}],
  ['STRICT', 'No', {}],
  ['STRICT', 'FALSE', {}],
  ['STRICT', 'off', {}],
  ['IO', 'none', { io: 'none' }],
  ['IO', 'all', { io: 'all' }],
  ['HOLE', 'biggest', { hole: 'biggest' }],
  ['LIBHWLOC', '/x/libhwloc.so.15', { libhwloc: '/x/libhwloc.so.15' }],
  ['VERBOSE', 'on', { verbose: true }],
  ['SPOOL', '/x/.spool', { spool: '/x/.spool' }],
  ['XMLFILE', '1', { xmlfile: true }],
])('HWLOC_SHARE_%s=%s', (name, value, expected) => {
  expect(settingsFrom({ [`HWLOC_SHARE_${name}`]: value })).toEqual({ ...defaults, ...expected });
});

test('an empty variable is as good as none', () => {
  const names = ['JOB', 'DIR', 'TIMEOUT', 'STRICT', 'IO', 'HOLE', 'LIBHWLOC', 'VERBOSE', 'SPOOL'];
  const env = Object.fromEntries(names.map((name) => [`HWLOC_SHARE_${name}`, '']));
  expect(settingsFrom(env)).toEqual(defaults);
});

test.each(['0', '-1', 'soon', 'NaN', '1e9', 'Infinity', '10s'])(
  'HWLOC_SHARE_TIMEOUT=%s is complained of',
  (value) => {
    const { timeout, complaints } = settingsFrom({ HWLOC_SHARE_TIMEOUT: value });
    expect(timeout).toBe(defaultTimeout);
    expect(complaints).toEqual([`HWLOC_SHARE_TIMEOUT=${value} is not a number of seconds up to a day`]);
  },
);

test('an I/O filter that does not exist is complained of', () => {
  const { io, complaints } = settingsFrom({ HWLOC_SHARE_IO: 'some' });
  expect(io).toBe('important');
  expect(complaints).toEqual(['HWLOC_SHARE_IO=some is none of important, none, all']);
});

test('whatever the variables hold, the settings are usable', () => {
  const value = fc.oneof(fc.string({ maxLength: 20 }), fc.double().map(String));
  fc.assert(
    fc.property(value, value, value, value, (timeout, io, strict, hole) => {
      const settings = settingsFrom({
        HWLOC_SHARE_TIMEOUT: timeout,
        HWLOC_SHARE_IO: io,
        HWLOC_SHARE_STRICT: strict,
        HWLOC_SHARE_HOLE: hole,
      });
      expect(settings.timeout).toBeGreaterThan(0);
      expect(settings.timeout).toBeLessThanOrEqual(86_400);
      expect(['important', 'none', 'all']).toContain(settings.io);
    }),
  );
});
