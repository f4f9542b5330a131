// Opening FIFOs: only what is ours and nobody else's, and never in a way that waits.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  openSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  hasReader,
  holdOpen,
  openEndlessReader,
  openPatientWriter,
  openReader,
  openWriter,
  unlinkIfThere,
} from '../../src/channel/fifo.js';
import { ChannelRefusedError } from '../../src/channel/place/index.js';
import { rootOnly } from '../support/programs.js';
import { temporaryFolder } from '../support/temporary.js';
import { makeFifo } from './pipes.js';

const openers = { openReader, openEndlessReader, openPatientWriter, holdOpen };

describe.each(Object.entries(openers))('%s', (_, open) => {
  test('refuses a regular file', () => {
    const path = join(temporaryFolder(), 'file');
    writeFileSync(path, 'precious', { mode: 0o600 });
    expect(() => open(path)).toThrow(ChannelRefusedError);
    expect(() => open(path)).toThrow(`${path} is not a FIFO; refused`);
  });

  test('follows no link', () => {
    const path = join(temporaryFolder(), 'link');
    symlinkSync(makeFifo(), path);
    expect(() => open(path)).toThrow('ELOOP');
  });

  test('refuses a FIFO that others may use', () => {
    const path = makeFifo();
    chmodSync(path, 0o620);
    expect(() => open(path)).toThrow(`${path} is open to others`);
  });

  rootOnly().test('refuses a FIFO of another user', () => {
    const path = makeFifo();
    chownSync(path, 12345, 0);
    expect(() => open(path)).toThrow(`${path} belongs to user 12345`);
  });

  test('leaves no descriptor open where it refuses', () => {
    const path = join(temporaryFolder(), 'file');
    writeFileSync(path, '', { mode: 0o600 });
    const before = readdirSync('/proc/self/fd').length;
    for (let i = 0; i < 20; i++) expect(() => open(path)).toThrow(ChannelRefusedError);
    expect(readdirSync('/proc/self/fd').length).toBeLessThan(before + 5);
  });
});

test('a writer finds out that there is no reader', () => {
  const path = makeFifo();
  expect(openWriter(path)).toBeUndefined();
  const reader = openReader(path);
  const writer = openWriter(path);
  expect(writer).toBeDefined();
  writer?.close();
  reader.close();
});

test('whether a FIFO has a reader is seen while one holds it open', () => {
  const path = makeFifo();
  expect(hasReader(path)).toBe(false);
  const letGo = holdOpen(path);
  expect(hasReader(path)).toBe(true);
  letGo();
  letGo();
  expect(hasReader(path)).toBe(false);
});

test('a FIFO that was removed has no reader', () => {
  expect(hasReader(join(temporaryFolder(), 'gone'))).toBe(false);
});

test('a name is removed, and one that is gone already is no error', () => {
  const path = makeFifo();
  unlinkIfThere(path);
  unlinkIfThere(path);
  expect(() => openReader(path)).toThrow('ENOENT');
});

test('no descriptor of ours reaches a child process', () => {
  const path = makeFifo();
  const letGo = holdOpen(path);
  const writer = openWriter(path);
  const plain = openSync('/dev/null', constants.O_RDONLY);
  const seen = execFileSync('sh', ['-c', 'ls -l /proc/self/fd'], { encoding: 'utf8' });
  expect(seen).not.toContain(path);
  closeSync(plain);
  writer?.close();
  letGo();
});
