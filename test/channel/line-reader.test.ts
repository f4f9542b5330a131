// Reading lines from real FIFOs.
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { ProtocolError } from '../../src/channel/errors.js';
import { openEndlessReader, openReader } from '../../src/channel/fifo.js';
import { maxLineBytes } from '../../src/channel/line.js';
import { boundToUs } from '../support/commands.js';
import { distFile } from '../support/wrapper.js';
import { listenTo, makeFifo } from './pipes.js';

/** A plain writing end, of which nothing is ours. */
function openPlainly(path: string): number {
  return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
}

test('lines that come in pieces are put together, and many in one piece are told one by one', async () => {
  const path = makeFifo();
  const ear = listenTo(openReader(path));
  const fd = openPlainly(path);
  writeSync(fd, 'hel');
  await sleep(20);
  writeSync(fd, 'lo\nwor');
  await ear.heard(1);
  writeSync(fd, 'ld\n\none\ntwo\nthree\n');
  await ear.heard(6);
  expect(ear.lines).toEqual(['hello', 'world', '', 'one', 'two', 'three']);
  closeSync(fd);
  await ear.over;
  expect(ear).toMatchObject({ ends: 1, failures: [] });
});

test('what was written before anybody listened waits in the pipe', async () => {
  const path = makeFifo();
  const reader = openReader(path);
  const fd = openPlainly(path);
  writeSync(fd, 'early\n');
  await sleep(20);
  const ear = listenTo(reader);
  await ear.heard(1);
  closeSync(fd);
  await ear.over;
  expect(ear.lines).toEqual(['early']);
});

test('the end comes with the close of the last writer, not of the first', async () => {
  const path = makeFifo();
  const ear = listenTo(openReader(path));
  const [first, second] = [openPlainly(path), openPlainly(path)];
  writeSync(first, 'first\n');
  closeSync(first);
  await ear.heard(1);
  await sleep(30);
  expect(ear.ends).toBe(0);
  writeSync(second, 'second\n');
  closeSync(second);
  await ear.over;
  expect(ear).toMatchObject({ lines: ['first', 'second'], ends: 1 });
});

test('no end comes before the first writer', async () => {
  const path = makeFifo();
  const reader = openReader(path);
  const ear = listenTo(reader);
  await sleep(50);
  expect(ear.ends).toBe(0);
  const fd = openPlainly(path);
  writeSync(fd, 'here\n');
  await ear.heard(1);
  closeSync(fd);
  await ear.over;
});

test('what a writer has not finished when it goes is no line', async () => {
  const path = makeFifo();
  const ear = listenTo(openReader(path));
  const fd = openPlainly(path);
  writeSync(fd, 'whole\nhal');
  closeSync(fd);
  await ear.over;
  expect(ear).toMatchObject({ lines: ['whole'], ends: 1, failures: [] });
});

test('a SIGKILL of the writer is heard as the end at once', async () => {
  const path = makeFifo();
  const ear = listenTo(openReader(path));
  const child = spawn(
    ...boundToUs(process.execPath, [
      '-e',
      `const fd = require('node:fs').openSync(${JSON.stringify(path)}, 'w');
       require('node:fs').writeSync(fd, 'alive\\n');
       setInterval(() => {}, 1000);`,
    ]),
  );
  onTestFinished(() => void child.kill('SIGKILL'));
  await ear.heard(1);
  const killed = performance.now();
  child.kill('SIGKILL');
  await ear.over;
  expect(performance.now() - killed).toBeLessThan(2000);
  expect(ear).toMatchObject({ lines: ['alive'], ends: 1 });
});

test.each([
  ['one that ends', `${'x'.repeat(maxLineBytes)}\nnext\n`],
  ['one that never ends', 'y'.repeat(60_000)],
])('a line beyond the bounds is refused, and nothing after it is read: %s', async (_, flood) => {
  const path = makeFifo();
  const ear = listenTo(openReader(path));
  const fd = openPlainly(path);
  writeSync(fd, 'good\n');
  writeSync(fd, flood);
  await ear.over;
  expect(ear).toMatchObject({ lines: ['good'], ends: 0 });
  expect(ear.failures).toHaveLength(1);
  expect(ear.failures[0]).toBeInstanceOf(ProtocolError);
  expect(ear.failures[0]?.message).toContain('over 8192 bytes');
  expect(ear.failures[0]?.message.length).toBeLessThan(200);
  expect(() => writeSync(fd, 'more\n')).toThrow('EPIPE');
  closeSync(fd);
});

test('the longest line within the bounds is taken', async () => {
  const path = makeFifo();
  const ear = listenTo(openReader(path));
  const fd = openPlainly(path);
  const longest = 'z'.repeat(maxLineBytes - 1);
  writeSync(fd, `${longest}\n`);
  closeSync(fd);
  await ear.over;
  expect(ear.lines).toEqual([longest]);
});

test('nothing is told after close(), not even the rest of a piece', async () => {
  const path = makeFifo();
  const reader = openReader(path);
  const lines: string[] = [];
  const told: string[] = [];
  reader.listen({
    line: (text) => {
      lines.push(text);
      reader.close();
    },
    end: () => told.push('end'),
    fail: () => told.push('fail'),
  });
  const fd = openPlainly(path);
  writeSync(fd, 'one\ntwo\nthree\n');
  await sleep(50);
  expect(lines).toEqual(['one']);
  expect(told).toEqual([]);
  closeSync(fd);
});

test('an endless reader goes on from one writer to the next', async () => {
  const path = makeFifo();
  const reader = openEndlessReader(path);
  const ear = listenTo(reader);
  for (const [i, text] of ['one', 'two', 'three'].entries()) {
    const fd = openPlainly(path);
    writeSync(fd, `${text}\n`);
    closeSync(fd);
    await ear.heard(i + 1);
  }
  expect(ear).toMatchObject({ lines: ['one', 'two', 'three'], ends: 0 });
  reader.close();
});

test('bursts of several processes into one endless reader arrive in whole lines', async () => {
  const path = makeFifo();
  const reader = openEndlessReader(path);
  const ear = listenTo(reader);
  const children = [1, 2, 3, 4].map((id) =>
    // dash writes each echo with one write(2).
    spawn(...boundToUs('/bin/sh', ['-c', `for i in $(seq 200); do echo ${id}-$i-xxxxxxxx; done > ${path}`])),
  );
  onTestFinished(() => {
    for (const child of children) child.kill('SIGKILL');
  });
  await ear.heard(800);
  expect(new Set(ear.lines).size).toBe(800);
  expect(ear.lines.every((line) => /^[1-4]-\d+-x{8}$/.test(line))).toBe(true);
  reader.close();
});

test('a reader that need not keep its process alive does not', () => {
  const path = makeFifo();
  const script = `
    import { openEndlessReader } from ${JSON.stringify(distFile('channel/index.js'))};
    const reader = openEndlessReader(${JSON.stringify(path)});
    reader.listen({ line() {}, end() {}, fail() {} });
    reader.keepAlive(false);`;
  const run = spawnSync(process.execPath, ['--input-type=module', '-e', script], { timeout: 10_000 });
  expect(run.status).toBe(0);
});
