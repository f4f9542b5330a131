// Pieces of a mapped file: no copy, writes that are nobody else's, and memory that stays for as long as anybody has a piece.
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { mapPieces } from '../../src/hwloc/index.js';
import { runJob } from '../support/job.js';
import { temporaryFolder } from '../support/temporary.js';
import { distFile } from '../support/wrapper.js';

const page = 4096;

/** A file of eight pages, each filled with its number. */
function makeFile(): string {
  const file = join(temporaryFolder(), 'data');
  writeFileSync(file, Buffer.concat(Array.from({ length: 8 }, (_, i) => Buffer.alloc(page, i))));
  return file;
}

function mapped(file: string, length: number, pieces: { offset: number; length: number }[]): Uint8Array[] {
  const fd = openSync(file, 'r');
  try {
    return mapPieces(fd, length, pieces);
  } finally {
    closeSync(fd);
  }
}

test('each has the bytes of the file, in an ArrayBuffer of its own', () => {
  const [first, second, third] = mapped(makeFile(), 8 * page, [
    { offset: page - 1, length: 2 },
    { offset: 7 * page, length: page },
    { offset: 3, length: 0 },
  ]);
  expect(first).toEqual(new Uint8Array([0, 1]));
  expect(second).toEqual(new Uint8Array(page).fill(7));
  expect(third).toEqual(new Uint8Array(0));
  expect(first?.buffer.byteLength).toBe(2);
});

test('the file may be removed', () => {
  const file = makeFile();
  const [piece] = mapped(file, 2 * page, [{ offset: page, length: 1 }]);
  rmSync(file);
  expect(piece?.[0]).toBe(1);
});

test('what is written to one changes neither the file nor another mapping', () => {
  const file = makeFile();
  const [one] = mapped(file, page, [{ offset: 0, length: page }]);
  const [other] = mapped(file, page, [{ offset: 0, length: page }]);
  one?.fill(9);
  expect([one?.[5], other?.[5], readFileSync(file)[5]]).toEqual([9, 0, 0]);
});

test('one that no ArrayBuffer could be is refused', () => {
  expect(() => mapped(makeFile(), page, [{ offset: 0, length: 2 ** 53 }])).toThrow(RangeError);
});

describe('memory', () => {
  /** Runs a script with `file`, `map(pages)` and `isMapped()`, and with gc(). */
  const run = async (script: string) => {
    const prelude = `
      import { openSync, readFileSync } from 'node:fs';
      import { setTimeout as sleep } from 'node:timers/promises';
      import { mapPieces } from ${JSON.stringify(distFile('hwloc/index.js'))};
      const file = process.argv[1];
      const map = (...pages) => mapPieces(openSync(file, 'r'), ${8 * page}, pages.map((i) => ({ offset: i * ${page}, length: ${page} })));
      const lines = () => readFileSync('/proc/self/smaps', 'latin1').split(/^(?=[0-9a-f]+-)/m).filter((entry) => entry.includes(file));
      const isMapped = () => lines().length > 0;
      const collected = async () => { for (let i = 0; i < 50; i++) { gc(); await sleep(20); if (!isMapped()) return true; } return false; };
    `;
    const command = [
      process.execPath,
      '--expose-gc',
      '--input-type=module',
      '-e',
      prelude + script,
      makeFile(),
    ];
    const { stdout, stderr } = await runJob(command);
    expect(stderr).toBe('');
    return stdout.trim();
  };

  test('is the file’s, but for pages that are written to', async () => {
    const script = `
      const [one, two] = map(1, 2);
      const own = () => Number(/Anonymous: +(\\d+)/.exec(lines()[0])[1]);
      console.log(one[0] + two[0], own());
      one[0] = 5;
      console.log(own());`;
    expect(await run(script)).toBe('3 0\n4');
  });

  test('stays while one piece of several is held, and goes with the last', async () => {
    const script = `
      let held = map(1, 2)[1].subarray(10, 20);
      gc(); await sleep(50); gc(); await sleep(50);
      console.log(isMapped(), held[0]);
      held = undefined;
      console.log(await collected());`;
    expect(await run(script)).toBe('true 2\ntrue');
  });

  test('goes at once where no piece has any bytes', async () => {
    expect(
      await run(`mapPieces(openSync(file, 'r'), 4096, [{ offset: 0, length: 0 }]); console.log(isMapped());`),
    ).toBe('false');
  });

  test('a worker thread that is sent one gets a copy, and the memory is not taken from under either', async () => {
    const script = `
      const { Worker } = await import('node:worker_threads');
      const worker = new Worker('import { parentPort } from "node:worker_threads";' +
        'parentPort.on("message", (piece) => setTimeout(() => { parentPort.postMessage(piece[0]); parentPort.close(); }, 300))', { eval: true });
      let held = map(3)[0];
      try { worker.postMessage(held, [held.buffer]); } catch { worker.postMessage(held); }
      const length = held.length;
      held = undefined;
      await collected();
      console.log(length, await new Promise((resolve) => worker.on('message', resolve)));`;
    expect(await run(script)).toBe('4096 3');
  });
});
