// Writing lines into real FIFOs.
import { spawn } from 'node:child_process';
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { openPatientWriter, openReader, openWriter } from '../../src/channel/fifo.js';
import { boundToUs } from '../support/commands.js';
import { distFile } from '../support/wrapper.js';
import { listenTo, makeFifo } from './pipes.js';

const many = Array.from({ length: 6000 }, (_, i) => `${String(i).padStart(8, '0')} ${'x'.repeat(41)}`);

test('a message of 300 KB arrives whole and in order, though the pipe holds 64', async () => {
  const path = makeFifo();
  const reader = openReader(path);
  const writer = openWriter(path);
  writer?.write(`${many.join('\n')}\n`);
  writer?.write('after\n');
  writer?.close();
  writer?.write('never\n');
  const ear = listenTo(reader);
  await ear.over;
  expect(ear.lines).toEqual([...many, 'after']);
});

test('what does not fit keeps its order among later writes', async () => {
  const path = makeFifo();
  const reader = openReader(path);
  const writer = openWriter(path);
  for (const line of many) writer?.write(`${line}\n`);
  const ear = listenTo(reader);
  await ear.heard(100);
  writer?.write('last\n');
  writer?.close();
  await ear.over;
  expect(ear.lines).toEqual([...many, 'last']);
});

test('a reader that is gone is no error of the writer', async () => {
  const path = makeFifo();
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openWriter(path);
  closeSync(fd);
  writer?.write('into the void\n');
  writer?.write('again\n');
  writer?.close();
  writer?.close();
  await sleep(20);
});

test('a reader that goes while much is under way is no error of the writer', async () => {
  const path = makeFifo();
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openWriter(path);
  writer?.write(`${many.join('\n')}\n`);
  readSync(fd, Buffer.alloc(1000));
  closeSync(fd);
  await sleep(20);
  writer?.write('again\n');
  await sleep(20);
  writer?.close();
  await sleep(20);
});

test('what a patient writer wrote is there for a reader that comes later', async () => {
  const path = makeFifo();
  const writer = openPatientWriter(path);
  writer.write(`${many.join('\n')}\n`);
  await sleep(30);
  const ear = listenTo(openReader(path));
  await ear.heard(many.length);
  expect(ear.ends).toBe(0);
  writer.close();
  await ear.over;
  expect(ear).toMatchObject({ lines: many, ends: 1 });
});

test('a patient writer whose reader never comes does not keep its process alive', async () => {
  const path = makeFifo();
  const script = `
    import { openPatientWriter } from ${JSON.stringify(distFile('channel/index.js'))};
    const writer = openPatientWriter(${JSON.stringify(path)});
    writer.write('x'.repeat(99).concat('\\n').repeat(3000));
    writer.close();`;
  const child = spawn(...boundToUs(process.execPath, ['--input-type=module', '-e', script]), {
    stdio: 'inherit',
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
  onTestFinished(() => {
    clearTimeout(timer);
  });
  const ended = await new Promise((resolve) =>
    child.on('exit', (code, signal) => {
      resolve(signal ?? code);
    }),
  );
  expect(ended).toBe(0);
});
