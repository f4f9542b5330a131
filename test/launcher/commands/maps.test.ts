// hwloc-share maps: address spaces of real processes, of a running job and of recorded ones, as text, as JSON and as a picture.
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { XMLParser } from 'fast-xml-parser';
import { afterAll, describe, expect, test } from 'vitest';
import { parseMaps } from '../../../src/maps/index.js';
import { ownCommand } from '../../support/command.js';
import { installed, rootOnly } from '../../support/programs.js';
import { findCommand } from '../../support/commands.js';
import { type Job, type JobOptions, runJob, startJob } from '../../support/job.js';
import { asUser, installForAll, nobody, wrapperIn } from '../../support/other-user.js';
import { sendSignal } from '../../support/processes.js';
import { temporaryFolder } from '../../support/temporary.js';
import { wrapper } from '../../support/wrapper.js';
import { onTerminal } from '../terminal.js';

const fixtures = join(import.meta.dirname, 'fixtures');
const jobs: Job[] = [];

afterAll(() => {
  for (const { pid } of jobs) sendSignal(pid, 'SIGTERM');
});

function start(command: readonly string[], options: JobOptions = {}): Job {
  const job = startJob(command, { timeoutMs: 60_000, ...options });
  job.result.catch(() => undefined);
  jobs.push(job);
  return job;
}

/** Resolves when a process has become this program. */
async function untilRuns(pid: number, program: string): Promise<void> {
  await expect.poll(() => readlinkSync(`/proc/${pid}/exe`), { timeout: 10_000 }).toBe(program);
}

const { prints: maps, refuses: refusal } = ownCommand('maps');

/** A file with the maps of a process, as it is copied out of /proc. */
function recorded(pid: number | 'self', name = 'maps.txt'): string {
  const file = join(temporaryFolder(), name);
  writeFileSync(file, readFileSync(`/proc/${pid}/maps`));
  return file;
}

interface Recorded {
  version: number;
  title?: string;
  address?: string;
  bytes?: number;
  wouldChoose?: { policy: string; address: string; bytes: number };
  whyNot?: string;
  holes: { address: string; bytes: number }[];
  spaces: { name: string; maps: string[] }[];
}

async function asJson(words: readonly string[]): Promise<Recorded> {
  return JSON.parse(await maps([...words, '--json'])) as Recorded;
}

describe('processes', () => {
  test('two of them, side by side: a strip, where things are, the holes, and the address that would be chosen', async () => {
    const sleeper = start(['sleep', '60']);
    await expect
      .poll(() => readlinkSync(`/proc/${sleeper.pid}/exe`), { timeout: 10_000 })
      .toMatch(/sleep|coreutils/);
    const text = await maps([String(sleeper.pid), String(process.pid)]);
    const lines = text.split('\n');
    expect(lines[0]).toMatch(/^2 address spaces, 0 to 128 TiB; one column is 1\.\d TiB$/);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(100);
    const strips = lines.filter((line) => /^ {2}\d+ \S+ +[.a-zT|]{60,}$/.test(line));
    expect(strips).toHaveLength(2);
    // A PIE program and its heap, then libraries and the stack; and this Node's own scattered pages.
    expect(strips[0]).toMatch(new RegExp(`^ {2}${sleeper.pid} sleep +[.|]+[hp][.]+[ls]`));
    expect(strips[1]).toMatch(/v.*v.*v/);
    expect(strips[1]).toMatch(new RegExp(`^ {2}${process.pid} ${basename(process.execPath)} `));
    expect(text).toMatch(/^ {2}free in all +[#^-]{60,}$/m);
    const heap = parseMaps(readFileSync(`/proc/${sleeper.pid}/maps`, 'utf8')).find(
      ({ path }) => path === '[heap]',
    );
    expect(text).toMatch(
      new RegExp(`^ {2}${sleeper.pid} sleep +\\S+ MiB .* 0x${heap?.start.toString(16)} `, 'm'),
    );
    expect(text).toMatch(/\nFree in all, biggest first \(and \d+ more\):\n( {2}0x[0-9a-f]+ +\d.* TiB.*\n)+/);
    expect(text).toMatch(/\nWould be chosen: 0x4[0-9a-f]{11}, 1 MiB \(policy scatter\)\n$/);
  });

  test.each(['999999999', '0'])('pid %s, which is not there, is told in one line', async (pid) => {
    expect(await refusal([pid], 1)).toMatch(
      new RegExp(`pid ${pid}: no such process, or not one that we may look into`),
    );
  });

  rootOnly('setpriv').test("another user's process is refused in one line", async () => {
    const maps = wrapperIn(installForAll(), 'maps', String(process.pid));
    const { stderr, exitCode } = await runJob([...asUser(nobody), ...maps]);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 1,
      stderr: `hwloc-share: pid ${process.pid}: no such process, or not one that we may look into\n`,
    });
  });
});

describe('a running job', () => {
  test('its ranks, and the address at which they have the topology; recorded, it says the same later', async () => {
    const job = start([...wrapper('local', '-n', '3'), process.execPath, join(fixtures, 'stays.mjs')], {
      env: { HWLOC_SHARE_DIR: temporaryFolder() },
    });
    await job.printed(/(joined \d adopted[^]*){3}/);
    const [, pid = ''] = /joined 0 adopted pid (\d+)/.exec(job.output()) ?? [];
    const [, start0, end0] =
      /^([0-9a-f]+)-([0-9a-f]+) r--s .*\/topology\.1/m.exec(readFileSync(`/proc/${pid}/maps`, 'utf8')) ?? [];
    const address = `0x${start0 ?? ''}`;

    const text = await maps(['--job', String(job.pid)]);
    expect(text).toMatch(/^3 address spaces/);
    expect(text.match(/^ {2}rank [012] {2,}[.a-zT]*T[.a-zT]*$/gm)).toHaveLength(3);
    expect(text).toMatch(new RegExp(`\\nChosen: ${address}, \\d+ KiB; mapped in 3 of 3\\n$`));

    const record = await asJson(['--job', String(job.pid)]);
    expect(record).toMatchObject({
      version: 1,
      address,
      bytes: parseInt(end0 ?? '', 16) - parseInt(start0 ?? '', 16),
    });
    expect(record.title).toMatch(/^job \S+-\d+-\d+$/);
    expect(record.spaces.map(({ name }) => name)).toEqual(['rank 0', 'rank 1', 'rank 2']);
    // The hole was there before it was used.
    const hole = record.holes.find(
      (each) =>
        Number(each.address) <= Number(address) && Number(each.address) + each.bytes > Number(address),
    );
    expect(hole?.bytes).toBeGreaterThan(2 ** 40);
    const file = join(temporaryFolder(), 'job.json');
    writeFileSync(file, JSON.stringify(record));
    process.kill(job.pid);
    await job.result;
    expect(await maps([file])).toBe(text);
    expect(await asJson([file])).toEqual(record);
  });

  test('that is not there is told in one line', async () => {
    expect(await refusal(['--job', 'nobody'], 1)).toMatch(/no job of yours on this node is meant by nobody/);
  });
});

describe('files', () => {
  test('a copy of /proc/PID/maps, named after the file; with others, side by side', async () => {
    const [a, b] = [recorded('self', 'one.txt'), recorded(process.ppid, 'two.txt')];
    const record = await asJson([a, b]);
    expect(record.spaces.map(({ name }) => name)).toEqual(['one.txt', 'two.txt']);
    expect(record.spaces[0]?.maps.join('\n')).toBe(readFileSync(a, 'utf8').trimEnd());
    expect(record.wouldChoose).toMatchObject({ policy: 'scatter', bytes: 1 << 20 });
    expect(record).not.toHaveProperty('address');
  });

  test('ranges alone, as ranks tell them to each other', async () => {
    const file = join(temporaryFolder(), 'ranges');
    writeFileSync(file, '55d0c0a4e000-55d0c0a50000 55d0c2e7e000-55d0c2e9f000\n7f3a1c000000-7f3a1c021000\n');
    const text = await maps([file]);
    expect(text).toMatch(/^ {2}ranges +[.|]+x[.]+x$/m);
    expect(text).toMatch(/ x mapped\n/);
  });

  test('a report of a job whose ranks have their maps', async () => {
    const file = join(temporaryFolder(), 'report.json');
    const rank = (number: number) => ({
      rank: number,
      maps: ['55d0c0a4e000-55d0c0a50000'],
      address: '0x41a200000000',
      bytes: 839680,
    });
    writeFileSync(
      file,
      JSON.stringify({
        version: 1,
        steps: [{ nodes: [{ ranks: [rank(0), rank(1)] }, { ranks: [rank(2)] }] }],
      }),
    );
    const text = await maps([file]);
    expect(text).toMatch(/^3 address spaces/);
    expect(text).toMatch(/^ {2}rank 2 {2,}/m);
    expect(text).toMatch(/\nChosen: 0x41a200000000, 820 KiB, as recorded\n$/);
  });

  test('a file that was cut in the middle of a line is as good as its whole lines', async () => {
    const file = recorded('self');
    const text = readFileSync(file, 'latin1');
    writeFileSync(file, text.slice(0, text.lastIndexOf('-')));
    expect(await maps([file])).toMatch(/^1 address space,/);
  });

  const folder = temporaryFolder();
  mkdirSync(join(folder, 'folder'));
  test.each([
    ['text', 'no maps\n', /text: line 1 is not in the format of \/proc\/<pid>\/maps: "no maps"/],
    ['empty', '', /empty: .*no mappings/],
    ['broken.json', '{"spaces": [', /broken\.json: .*JSON/],
    ['other.json', '{"version": 1}', /other\.json: there are no maps in it/],
    ['numbers.json', '{"spaces": [{"maps": [1, 2]}, 7, null]}', /there are no maps in it/],
    ['inverted', '7f0000002000-7f0000001000 r--p 00000000 00:00 0\n', /line 1 is not in the format/],
  ])('%s is refused in one line', async (name, content, message) => {
    writeFileSync(join(folder, name), content);
    expect(await refusal([join(folder, name)], 1)).toMatch(message);
  });

  test('so are what is not there, and a folder', async () => {
    expect(await refusal([join(folder, 'no such file')], 1)).toMatch(
      /no such file, and not the number of a process/,
    );
    expect(await refusal([join(folder, 'folder')], 1)).toMatch(/EISDIR/);
  });
});

describe('what would be chosen', () => {
  const file = recorded('self');

  test.each([
    [['--length', '65536'], 'scatter', 65_536],
    [['--length', '64K'], 'scatter', 65_536],
    [['--length=3M'], 'scatter', 3 << 20],
    [['--length', '2g'], 'scatter', 2 ** 31],
    // Up to whole pages.
    [['--length', '1'], 'scatter', 4096],
    [['--hole', 'biggest'], 'biggest', 1 << 20],
    [['--hole', 'begin'], 'begin', 1 << 20],
    [['--hole', 'libs'], 'libs', 1 << 20],
  ])('%j', async (words, policy, bytes) => {
    const { wouldChoose, holes } = await asJson([file, ...words]);
    expect(wouldChoose).toMatchObject({ policy, bytes });
    const start = Number(wouldChoose?.address);
    expect(
      holes.some(
        (hole) => start >= Number(hole.address) && start + bytes <= Number(hole.address) + hole.bytes,
      ),
    ).toBe(true);
  });

  test('an address that is taken: why not', async () => {
    const [first] = parseMaps(readFileSync(file, 'utf8'));
    const address = `0x${first?.start.toString(16) ?? ''}`;
    expect(await maps([file, '--hole', address])).toMatch(
      /\nno address for 0x100000 bytes .*the range is taken in some process/,
    );
    expect((await asJson([file, '--hole', address])).whyNot).toMatch(/taken/);
    // The wrapper's option, and its variable, too.
    expect((await runJob(wrapper('--hole', address, 'maps', file))).stdout).toMatch(/taken in some process/);
    expect(await maps([file], { env: { HWLOC_SHARE_HOLE: address } })).toMatch(/taken in some process/);
  });

  test.each([
    [['--length', '0'], /--length takes bytes, as 1048576, 64K, 2M or 1G, not 0/],
    [['--length', '1.5M'], /not 1\.5M/],
    [['--length', '999T'], /not 999T/],
    [
      ['--hole', 'middle'],
      /--hole takes one of scatter, begin, biggest, libs, heap, stack, or 0xADDRESS, not middle/,
    ],
    [['--hole', '0x41a200000001'], /--hole takes an address that is a multiple of the page size/],
  ])('misuse: %j', async (words, message) => {
    expect(await refusal([file, ...words], 2)).toMatch(message);
  });
});

test('without anything to look at, the command line is wrong', async () => {
  expect(await refusal([], 2)).toMatch(/maps needs pids, files or --job/);
});

installed('tmux').test('colours on a terminal only, and lines as long as it is wide', async () => {
  const file = recorded('self');
  const coloured = await onTerminal(wrapper('maps', file));
  expect(coloured).toContain('\u001b[32m-\u001b[39m');
  expect(await onTerminal(wrapper('maps', file), { NO_COLOR: '1' })).not.toContain('\u001b[32m');
  expect(await maps([file])).not.toContain('\u001b');
});

describe('the picture', () => {
  const folder = temporaryFolder();
  const python = findCommand('python3');
  const isWellFormed = 'import sys, xml.etree.ElementTree as tree; tree.parse(sys.argv[1])';

  /** A picture, as an XML library reads it: its texts and its rectangles. */
  async function draw(words: readonly string[]) {
    const file = join(folder, `${Math.random()}.svg`);
    expect(await maps([...words, '--svg', file])).toBe('');
    const svg = readFileSync(file, 'utf8');
    // A second opinion, from a parser that forgives nothing.
    if (python !== undefined) execFileSync(python, ['-c', isWellFormed, file]);
    const parser = new XMLParser({
      ignoreAttributes: false,
      attributeNamePrefix: '',
      isArray: (name) => ['text', 'rect'].includes(name),
    });
    const { svg: root } = parser.parse(svg) as { svg: Picture };
    return {
      svg,
      root,
      texts: root.text.map((each) => (typeof each === 'string' ? each : each['#text'])),
    };
  }

  interface Picture {
    width: string;
    height: string;
    text: (string | { '#text': string })[];
    rect: { x: string; y: string; width: string; height: string; fill: string; title?: string }[];
  }

  test('has each process, each kind, the holes and the chosen address; and nothing sticks out', async () => {
    const { root, texts } = await draw([recorded('self', 'me.txt'), recorded(process.ppid, 'parent.txt')]);
    expect(texts[0]).toBe('Address spaces of 2 processes');
    expect(texts[1]).toMatch(/^Would be chosen: 0x4[0-9a-f]{3}(_[0-9a-f]{4}){2}, 1 MiB \(policy scatter\)$/);
    for (const name of ['me.txt', 'parent.txt'])
      expect(texts.filter((each) => each === name)).toHaveLength(2);
    for (const name of ['heap', 'stack', 'libraries', "V8's own, scattered"]) expect(texts).toContain(name);
    expect(texts.filter((each) => /^the hole: \d+(\.\d)? TiB$/.test(each))).toHaveLength(1);
    expect(texts.filter((each) => /^0x4[0-9a-f_]+: 1 MiB, free in all$/.test(each))).toHaveLength(1);
    for (const { x, y, width, height } of root.rect) {
      for (const value of [x, y, width, height].map(Number)) expect(value).toBeGreaterThanOrEqual(0);
      expect(Number(x) + Number(width)).toBeLessThanOrEqual(Number(root.width));
      expect(Number(y) + Number(height)).toBeLessThanOrEqual(Number(root.height));
    }
    // What one points at says what it is: once on each scale.
    const heaps = root.rect.filter(({ title }) => title?.includes('me.txt: heap'));
    expect(heaps).toHaveLength(2);
    for (const { width } of heaps) expect(Number(width)).toBeGreaterThanOrEqual(1);
  });

  test('of a recorded job has its name', async () => {
    const file = join(folder, 'job.json');
    writeFileSync(
      file,
      JSON.stringify({
        title: 'job <n017> & "co"',
        address: '0x41a200000000',
        bytes: 4096,
        spaces: [{ name: 'rank 0', maps: ['55d0c0a4e000-55d0c0a50000'] }],
      }),
    );
    const { texts, svg } = await draw([file]);
    expect(svg).toContain('Address spaces of job &lt;n017&gt; &amp; &quot;co&quot;');
    expect(texts).toContain('0x41a2_0000_0000: 4 KiB, chosen');
  });

  test('of many processes keeps its size', async () => {
    const file = join(folder, 'many.json');
    const lines = readFileSync('/proc/self/maps', 'utf8').trimEnd().split('\n');
    writeFileSync(
      file,
      JSON.stringify({ spaces: Array.from({ length: 256 }, (_, i) => ({ name: `rank ${i}`, maps: lines })) }),
    );
    const { root } = await draw([file]);
    expect(Number(root.width)).toBe(1600);
    expect(Number(root.height)).toBeLessThan(2600);
  });

  test('holds what a path may hold', async () => {
    const program = join(folder, `<&"'>\u0001 ]]> é`);
    copyFileSync(findCommand('sleep') ?? '', program);
    chmodSync(program, 0o755);
    const job = start([program, '60']);
    await untilRuns(job.pid, program);
    const { root } = await draw([String(job.pid)]);
    const name = `${job.pid} <&"'>? ]]> é: `;
    expect(root.rect.filter(({ title }) => title?.startsWith(name)).length).toBeGreaterThan(3);
  });

  test('overwrites with --force (-f) only', async () => {
    const file = join(folder, 'twice.svg');
    const words = [recorded('self'), '--svg', file];
    await maps(words);
    expect(await refusal(words, 1)).toMatch(/twice\.svg exists already; --force overwrites it/);
    await maps([...words, '-f']);
    await maps([...words, '--force']);
    expect(await refusal([recorded('self'), '--svg', '/no/such/folder/x.svg'], 1)).toMatch(/ENOENT/);
  });

  test('together with --json, both are there', async () => {
    const file = join(folder, 'both.svg');
    expect(JSON.parse(await maps([recorded('self'), '--svg', file, '--json']))).toMatchObject({ version: 1 });
    expect(readFileSync(file, 'utf8')).toMatch(/<\/svg>\n$/);
  });
});
