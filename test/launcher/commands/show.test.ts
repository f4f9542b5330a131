// hwloc-share show: the same tree as lstopo's, other formats, pictures by lstopo, running jobs, and where processes are bound.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { afterAll, describe, expect, test } from 'vitest';
import { ownCommand } from '../../support/command.js';
import { installed } from '../../support/programs.js';
import { findCommand } from '../../support/commands.js';
import { type Job, runJob, startJob } from '../../support/job.js';
import { before2_3, standIn, standInPrograms } from '../../support/stand-in.js';
import { sendSignal } from '../../support/processes.js';
import { memoryFolder, temporaryFolder } from '../../support/temporary.js';
import { wrapper } from '../../support/wrapper.js';
import { onTerminal } from '../terminal.js';

const root = join(import.meta.dirname, '../../..');
const machines = join(root, '../shared/machines');
const haveMachines = existsSync(machines);
const fixtures = join(import.meta.dirname, 'fixtures');

const { prints: show, refuses: refusal } = ownCommand('show');

/** lstopo's own tree. */
function lstopo(...words: string[]): string {
  const { stdout } = spawnSync('lstopo-no-graphics', ['--of', 'console', ...words], { encoding: 'utf8' });
  return stdout;
}

interface Device {
  readonly classId: number;
  readonly bus: number;
  readonly device: number;
  readonly function: number;
  /** Vendor and device. */
  readonly ids?: string;
  readonly subtype?: string;
  /** What is below it, as XML. */
  readonly below?: string;
}

/** A file with a machine that has these devices. */
function devicesOf(devices: readonly Device[]): string {
  const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0');
  const objects = devices.map(({ ids, subtype, below = '', ...each }, i) => {
    const busId = `0000:${hex(each.bus, 2)}:${hex(each.device, 2)}.${each.function}`;
    const type = `${hex(each.classId, 4)} [${ids ?? `1af4:${hex(i, 4)}`}] [0000:0000] 00`;
    const named = subtype === undefined ? '' : ` subtype="${subtype}"`;
    return (
      `<object type="PCIDev" gp_index="${100 + i}"${named} pci_busid="${busId}" pci_type="${type}" ` +
      `pci_link_speed="0">${below}</object>`
    );
  });
  const sets =
    'cpuset="0x1" complete_cpuset="0x1" nodeset="0x1" complete_nodeset="0x1" os_index="0" ' +
    'allowed_cpuset="0x1" allowed_nodeset="0x1"';
  const file = join(temporaryFolder(), 'devices.xml');
  writeFileSync(
    file,
    `<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE topology SYSTEM "hwloc2.dtd"><topology version="2.0">
      <object type="Machine" gp_index="1" ${sets}><object type="NUMANode" gp_index="2" ${sets} local_memory="1048576"/>
      <object type="PU" gp_index="3" ${sets}/>
      <object type="Bridge" gp_index="4" bridge_type="0-1" depth="0" bridge_pci="0000:[00-ff]">${objects.join('\n')}
      </object></object></topology>`,
  );
  return file;
}

/** The tree alone, without the remarks below it. */
function treeIn(text: string): string {
  return text.replace(/\n\n[^]*$/, '\n');
}

function filesIn(folder: string): string[] {
  return haveMachines ? readdirSync(join(machines, folder)).map((name) => join(machines, folder, name)) : [];
}

installed('lstopo-no-graphics').describe("the tree is lstopo's", () => {
  test('of this machine', async () => {
    // Memory may be plugged into a virtual machine between the two.
    const cleaned = (tree: string) => tree.replace(/\d+[KMGT]B( total)?/g, 'so much');
    expect(cleaned(treeIn(await show([])))).toBe(cleaned(lstopo()));
  });

  test.each(filesIn('xml'))('of XML: %s', async (file) => {
    expect(await show([file])).toBe(lstopo('-i', file));
  });

  test.each(filesIn('sysfs'))('of an archive of /proc and /sys: %s', async (archive) => {
    const folder = memoryFolder();
    spawnSync('tar', ['-xjf', archive, '-C', folder]);
    const [only = ''] = readdirSync(folder);
    const expected = lstopo('-i', join(folder, only));
    expect(expected).toMatch(/^Machine/);
    expect(await show([archive])).toBe(expected);
    if (archive !== filesIn('sysfs')[0]) return;
    // The folder itself, and the one above it; then hwloc's own variable.
    expect(await show(['--input', join(folder, only)])).toBe(expected);
    expect(await show(['-i', folder, '--if', 'fsroot'])).toBe(expected);
    const env = { HWLOC_FSROOT: join(folder, only), HWLOC_COMPONENTS: 'linux,stop' };
    expect(await show([], { env })).toBe(expected);
  });

  test.each([
    'pack:2 core:4 pu:2',
    'node:2 2',
    '[numa(memory=8GB)] pack:2 l3:2(size=32MB) [numa] core:2 pu:1',
  ])('of a description: %s', async (description) => {
    expect(await show([description])).toBe(lstopo('-i', description));
  });

  const devices = join(root, 'test/hwloc/fixtures/devices.xml');

  test.each([
    [[], []],
    [['--cpuset'], ['-c']],
    [['--io', 'all'], ['--whole-io']],
    [['--io', 'none'], ['--no-io']],
  ])('with objects of all kinds, virtual functions and Misc objects, %j', async (ours, theirs) => {
    const expected = lstopo('-i', devices, ...theirs);
    expect(expected).toContain('Misc(MemoryModule) DIMM A1');
    if (ours[1] !== 'none') expect(expected).toContain('2 x { PCI(VF) 0000:01:02.1-2 (Ethernet) }');
    expect(await show([devices, ...ours])).toBe(expected);
  });

  test('with PCI devices of every class', async () => {
    const classes = [...Array(0x15).keys(), 0x40, 0xff].flatMap((base) =>
      [...Array(0x24).keys(), 0x40, 0x80].map((sub) => base * 256 + sub),
    );
    const file = devicesOf(
      classes.map((classId, i) => ({ classId, bus: i >> 5, device: i & 31, function: 0 })),
    );
    const expected = lstopo('-i', file, '--whole-io');
    expect(expected.match(/^ +PCI [0-9a-f:.]+ \(.+\)$/gm)?.length).toBeGreaterThan(400);
    expect(await show([file, '--io', 'all'])).toBe(expected);
  });

  test('with PCI devices that are alike, on one card and on several, and some that have something below', async () => {
    const place = (device: number, pciFunction: number) => ({ bus: 1, device, function: pciFunction });
    const vf = { classId: 0x0200, ids: '8086:154c', subtype: 'VF' };
    const net = '<object type="OSDev" gp_index="9000" name="eth0" osdev_type="2"/>';
    const cases = [
      [
        { ...vf, ...place(2, 1) },
        { ...vf, ...place(2, 2) },
        { ...vf, ...place(2, 5) },
      ],
      [
        { ...vf, ...place(2, 1) },
        { ...vf, ...place(3, 0) },
      ],
      [
        { ...vf, ...place(2, 0), below: net },
        { ...vf, ...place(2, 1) },
        { ...vf, ...place(2, 2) },
      ],
      [
        { ...vf, ...place(2, 0) },
        { ...vf, ...place(2, 1), ids: '8086:154d' },
        { ...vf, ...place(2, 2) },
      ],
      [
        { ...vf, ...place(2, 0) },
        { ...vf, ...place(2, 1) },
        { ...vf, ...place(2, 2), below: net },
        { ...vf, ...place(2, 3) },
      ],
    ];
    for (const list of cases) {
      const file = devicesOf(list);
      const expected = lstopo('-i', file);
      expect(expected).toContain('PCI(VF) 01:02.');
      expect(await show([file])).toBe(expected);
    }
  });

  test('nothing is left of an archive', async () => {
    const [archive] = filesIn('sysfs');
    if (archive === undefined) return;
    await show([archive]);
    expect(readdirSync('/dev/shm').filter((name) => name.startsWith('hwloc-share-show-'))).toEqual([]);
  });
});

describe('options', () => {
  test('-i, --input and the other word are the same', async () => {
    const expected = await show(['pack:2 pu:2']);
    for (const words of [
      ['-i', 'pack:2 pu:2'],
      ['--input', 'pack:2 pu:2'],
      ['--', 'pack:2 pu:2'],
    ]) {
      expect(await show(words)).toBe(expected);
    }
  });

  test('--input-format, --if: what it is, whatever it looks like', async () => {
    const file = join(temporaryFolder(), 'pack:2');
    writeFileSync(file, await show(['pack:2 pu:2', '--format', 'xml']));
    expect(await show([file, '--if', 'xml'])).toBe(await show(['pack:2 pu:2']));
    expect(await show(['pack:2 pu:2', '--input-format', 'synthetic'])).toBe(await show(['pack:2 pu:2']));
    expect(await refusal([file, '--if', 'tar'], 1)).toMatch(/pack:2: tar: /);
  });

  test('-i - reads XML from the standard input', async () => {
    const xml = await show(['pack:2 pu:2', '--format', 'xml']);
    expect(await show(['-i', '-'], { stdin: xml })).toBe(await show(['pack:2 pu:2']));
  });

  test('--format json is what the schema says, and hwloc reads --format xml and synthetic again', async () => {
    const schema = JSON.parse(readFileSync(join(root, 'docs/topology.schema.json'), 'utf8')) as object;
    const json: unknown = JSON.parse(await show(['--format', 'json']));
    const validate = new Ajv().compile(schema);
    expect(validate(json), JSON.stringify(validate.errors)).toBe(true);

    const file = join(temporaryFolder(), 'machine.xml');
    writeFileSync(file, await show(['--of', 'xml']));
    expect(treeIn(await show([file]))).toBe(treeIn(await show([])));

    expect(await show(['pack:2 core:2 pu:2', '--format', 'synthetic'])).toMatch(/Package:2 Core:2 PU:2\n$/);
    expect(await show(['--format', 'console', 'pu:2'])).toMatch(/^Machine/);
  });

  test('--io: none, important, all; before the name, too', async () => {
    const [pci] = filesIn('xml').filter((file) => file.includes('pci'));
    if (pci === undefined) return;
    const devices = async (...words: string[]) =>
      (await runJob(wrapper(...words, pci))).stdout.split('\n').filter((line) => /\bPCI \S+ \(/.test(line))
        .length;
    const counts = [
      await devices('show', '--io', 'none'),
      await devices('show'),
      await devices('show', '--io=all'),
    ];
    expect(counts[0]).toBe(0);
    expect(counts[1]).toBeGreaterThan(0);
    expect(counts[2]).toBeGreaterThanOrEqual(counts[1] ?? 0);
    expect(await devices('--io', 'none', 'show')).toBe(0);
  });

  test.each(['-c', '--cpuset'])(
    '%s: the cpuset of each object, each on a line of its own',
    async (option) => {
      expect(await show(['pack:1 core:1 pu:2', option])).toMatch(
        /^ {2}Package L#0 cpuset=0x0+3\n[^]*^ {4}Core L#0 cpuset=0x0+3\n {6}PU L#0 \(P#0\) cpuset=0x0+1\n/m,
      );
    },
  );

  test.each(['-v', '--verbose'])('%s: what hwloc has found out, too', async (option) => {
    expect(await show(['pack:1 pu:2', option])).toMatch(/^ +SyntheticDescription: pack:1 pu:2$/m);
  });

  test('--libhwloc: another libhwloc', async () => {
    const { stdout, stderr, exitCode } = await runJob(
      wrapper('show', 'pu:2', '--libhwloc', '/no/such/lib.so'),
    );
    // What cannot be loaded is passed over, as in ranks, with a line.
    expect({ exitCode, stderr: stderr.replace(/using \S+/, 'using ONE') }).toEqual({
      exitCode: 0,
      stderr: 'hwloc-share: --libhwloc /no/such/lib.so could not be loaded; using ONE\n',
    });
    expect(stdout).toMatch(/^Machine/);
    const library = /\S+libhwloc\.so\S*/.exec(
      spawnSync('sh', ['-c', 'ldd "$(command -v lstopo)"'], { encoding: 'utf8' }).stdout.replace(
        /.* => /g,
        '',
      ),
    )?.[0];
    if (library !== undefined) expect(await show(['pu:2', '--libhwloc', library])).toBe(stdout);
  });
});

installed('hwloc-bind').describe('where a process is bound', () => {
  test('the caller is marked where it is bound, and named below where it is not', async () => {
    const first = ['hwloc-bind', 'pu:0', '--'];
    const { stdout } = await runJob([...first, ...wrapper('show')]);
    expect(stdout).toMatch(/PU L#0 \(P#0\) {2}<- this process$/m);
    expect(stdout.match(/<-/g)).toHaveLength(1);
    const all = spawnSync('nproc', ['--all'], { encoding: 'utf8' }).stdout.trim();
    if (spawnSync('nproc', { encoding: 'utf8' }).stdout.trim() === all) {
      expect(await show([])).toMatch(/\n\nthis process: not bound, may run anywhere\n$/);
    }
  });

  test('--pid: another process is', async () => {
    const other = startJob(['hwloc-bind', 'pu:0', '--', 'sleep', '20']);
    await new Promise((resolve) => setTimeout(resolve, 300));
    const text = await show(['--pid', String(other.pid)]);
    expect(text).toMatch(new RegExp(`PU L#0 \\(P#0\\) {2}<- pid ${other.pid}$`, 'm'));
    process.kill(other.pid);
    expect(await refusal(['--pid', '999999999'], 1)).toMatch(/--pid 999999999: no such process/);
  });

  test('nothing is marked on a machine that is another', async () => {
    const { stdout } = await runJob(['hwloc-bind', 'pu:0', '--', ...wrapper('show', 'pack:2 pu:2')]);
    expect(stdout).not.toMatch(/<-|this process/);
  });
});

installed('tmux').test('colours on a terminal only', async () => {
  const colour = '\u001b[35mNUMANode L#0';
  expect(await onTerminal(wrapper('show'))).toContain(colour);
  expect(await onTerminal(wrapper('show'), { NO_COLOR: '1' })).not.toContain('\u001b[35m');
  expect(await onTerminal(wrapper('show'), { TERM: 'dumb' })).not.toContain('\u001b[35m');
  expect(await show([])).not.toContain('\u001b');
});

test('a reader that leaves early is no failure', async () => {
  const { exitCode, stderr } = await runJob([
    ...['sh', '-c', '"$@" | head -n 1; wait', 'sh'],
    ...wrapper('show', 'pack:64 core:64 pu:2', '-c'),
  ]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
});

describe('a picture', () => {
  for (const format of ['svg', 'png', 'pdf'] as const) {
    installed('lstopo').test(`.${format}, by lstopo`, async () => {
      const file = join(temporaryFolder(), `machine.${format}`);
      expect(await show(['pack:2 core:2 pu:2', '--picture', file])).toBe('');
      const magic = { svg: '<?xml', png: '\u0089PNG', pdf: '%PDF' }[format];
      expect(readFileSync(file, 'latin1').slice(0, magic.length)).toBe(magic);
    });
  }

  installed('lstopo').test('overwrites with --force (-f) only', async () => {
    const file = join(temporaryFolder(), 'machine.svg');
    await show(['pu:2', '--picture', file]);
    const before = readFileSync(file, 'utf8');
    expect(await refusal(['pu:4', '--picture', file], 1)).toMatch(/did not draw .*exists/i);
    expect(readFileSync(file, 'utf8')).toBe(before);
    await show(['pu:4', '--picture', file, '-f']);
    expect(readFileSync(file, 'utf8')).not.toBe(before);
  });

  installed('lstopo', 'hwloc-bind').test('marks where the caller is bound', async () => {
    const file = join(temporaryFolder(), 'machine.svg');
    await runJob(['hwloc-bind', 'pu:0', '--', ...wrapper('show', '--picture', file)]);
    // lstopo's green, of a PU (and a NUMA node) that a process is bound to.
    expect(readFileSync(file, 'utf8')).toMatch(/rgb\(0%, ?100%, ?0%\)/);
  });

  test('without lstopo, one line says how to install it; and lstopo-no-graphics draws SVG', async () => {
    const empty = temporaryFolder();
    const file = join(empty, 'machine.svg');
    const line = await refusal(['pu:2', '--picture', file], 1, { env: { PATH: empty } });
    expect(line).toMatch(/^hwloc-share: lstopo, which draws pictures, is not installed/);
    if (findCommand('apt-get') !== undefined) expect(line).toMatch(/apt-get install hwloc$/m);
    const small = findCommand('lstopo-no-graphics');
    if (small === undefined) return;
    spawnSync('ln', ['-s', small, join(empty, 'lstopo-no-graphics')]);
    await show(['pu:2', '--picture', file], { env: { PATH: empty } });
    expect(readFileSync(file, 'utf8')).toMatch(/<svg/);
    expect(await refusal(['pu:2', '--picture', join(empty, 'm.png')], 1, { env: { PATH: empty } })).toMatch(
      /lstopo-no-graphics draws \.svg only; for \.png lstopo is needed/,
    );
  });

  test.each([
    ['machine.jpeg', /--picture draws \.svg, \.png, \.pdf, not \.jpeg/],
    ['machine', /not a file without an ending/],
  ])('%s is not drawn', async (name, message) => {
    expect(await refusal(['pu:2', '--picture', join(temporaryFolder(), name)], 2)).toMatch(message);
  });
});

installed(...standInPrograms).describe('a libhwloc of its own', () => {
  test('of hwloc 2.0 shows the same tree, although it has fewer types', async () => {
    const synthetic = 'pack:2 l3:1 core:2 pu:2';
    const library = standIn(before2_3['2.0']);
    expect(await show([synthetic, '--libhwloc', library])).toBe(await show([synthetic]));
    expect(await show([synthetic, '--format', 'json'], { env: { HWLOC_SHARE_LIBHWLOC: library } })).toContain(
      '"hwlocApi": "2.0"',
    );
  });
});

describe('what cannot be shown is told in one line', () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'empty'));
  writeFileSync(join(folder, 'no.xml'), 'no XML');
  writeFileSync(join(folder, 'no.tar.bz2'), 'no archive');

  test.each<[string[], number, RegExp]>([
    [['/no/such/machine.xml'], 2, /no such file or folder, and no synthetic description/],
    [['-i', '/no/such/machine.xml', '--if', 'xml'], 1, /machine\.xml: no such file/],
    [[join(folder, 'no.xml')], 1, /no\.xml cannot be read as XML of hwloc: /],
    [[join(folder, 'no.tar.bz2')], 1, /no\.tar\.bz2: tar: /],
    [[join(folder, 'empty')], 1, /there is no sys folder in it/],
    [['bogus:2'], 1, /bogus:2 cannot be read as a synthetic description: /],
    [['pu:2', '-i', 'pu:4'], 2, /show takes one topology/],
    [['pu:2', '--format', 'yaml'], 2, /--format takes one of console, json, xml, synthetic, not yaml/],
    [['--job', 'nobody'], 1, /no job of yours on this node is meant by nobody; /],
    [['--job', 'any', 'pu:2'], 2, /show takes one topology/],
  ])('%j', async (words, status, message) => {
    expect(await refusal(words, status)).toMatch(message);
  });

  test('a machine that a description cannot describe', async () => {
    const [pci] = filesIn('xml').filter((file) => file.includes('memorysidecaches'));
    if (pci === undefined) return;
    const { hwlocApi } = JSON.parse(await show(['pu:1', '--format', 'json'])) as { hwlocApi: string };
    const words = [pci, '--format', 'synthetic'];
    // From 2.12 on it can.
    if (Number(hwlocApi.split('.')[1]) >= 12) expect(await show(words)).toContain('memorysidecachesize=');
    else expect(await refusal(words, 1)).toMatch(/memory-side caches/);
  });

  test('no libhwloc', async () => {
    const bad = temporaryFolder();
    for (const name of ['libhwloc.so.15', 'libhwloc.so']) writeFileSync(join(bad, name), 'no library');
    expect(await refusal([], 1, { env: { LD_LIBRARY_PATH: bad } })).toMatch(/libhwloc was not found \(/);
  });
});

describe('a running job', () => {
  const jobs: Job[] = [];
  afterAll(() => {
    for (const { pid } of jobs) sendSignal(pid, 'SIGTERM');
  });

  /** Starts a job whose ranks join, say so, and stay; resolves when all have. */
  async function startSharing(
    command: readonly string[],
    ranks: number,
    env: Record<string, string> = {},
  ): Promise<Job> {
    const job = startJob([...command, process.execPath, join(fixtures, 'stays.mjs')], {
      env: { HWLOC_SHARE_DIR: temporaryFolder(), ...env },
      timeoutMs: 60_000,
    });
    job.result.catch(() => undefined);
    jobs.push(job);
    await job.printed(new RegExp(`(joined \\d+ adopted[^]*){${ranks}}`));
    return job;
  }

  test('its topology is adopted from a rank, though its file has gone, and shown in all forms', async () => {
    const env = { HWLOC_SYNTHETIC: 'pack:2 core:3 pu:2' };
    const job = await startSharing(wrapper('local', '-n', '3'), 3, env);
    const pid = String(job.pid);
    const text = await show(['--job', pid]);
    expect(treeIn(text)).toBe(await show(['pack:2 core:3 pu:2', '--io', 'none']));
    const [, name] = /\nshared by 3 of 3 ranks of (\S+) at 0x[0-9a-f]+000, \d+ KiB\n$/.exec(text) ?? [];
    expect(name).toMatch(/-\d+-\d+$/);
    expect(await show(['--job', name ?? ''])).toBe(text);
    expect(await show(['--job', pid, '--format', 'synthetic'])).toMatch(/Package:2 Core:3 PU:2\n$/);
    expect(JSON.parse(await show(['--job', pid, '--format', 'json']))).toMatchObject({
      root: { type: 'Machine' },
    });
    // A rank's pid, too.
    const [, rank] = /joined 1 adopted pid (\d+)/.exec(job.output()) ?? [];
    expect(await show(['--job', rank ?? ''])).toBe(text);
  });

  installed('hwloc-bind').test('its ranks are marked where they are bound', async () => {
    const bind = ['sh', '-c', 'exec hwloc-bind pu:0 -- "$@"', 'sh'];
    const job = await startSharing([...wrapper('local', '-n', '2'), ...bind], 2);
    expect(await show(['--job', String(job.pid)])).toMatch(/PU L#0 \(P#0\) {2}<- ranks 0-1$/m);
  });

  installed('mpiexec.hydra').test('one without the wrapper', async () => {
    const job = await startSharing(['mpiexec.hydra', '-n', '2'], 2);
    expect(await show(['--job', String(job.pid)])).toMatch(/shared by 2 of 2 ranks of mpich-\d+ at 0x/);
  });

  test('one whose ranks have copies of their own has nothing to show', async () => {
    const job = startJob(
      [...wrapper('local', '-n', '2', '--', process.execPath, join(fixtures, 'stays.mjs')), 'alone'],
      { env: { HWLOC_SHARE_DIR: temporaryFolder() } },
    );
    job.result.catch(() => undefined);
    jobs.push(job);
    await job.printed(/(alone[^]*){2}/);
    expect(await refusal(['--job', String(job.pid)], 1)).toMatch(
      /no rank of \S+ shares a topology: they have not joined yet/,
    );
  });

  test('any, if there are two, is told which there are', async () => {
    const [first, second] = await Promise.all([
      startSharing(wrapper('local', '-n', '1'), 1),
      startSharing(wrapper('local', '-n', '1'), 1),
    ]);
    expect(first.pid).not.toBe(second.pid);
    expect(await refusal(['--job', 'any'], 1)).toMatch(
      /more than one job is meant by any: \S+ \(pid [\d, ]+\); \S+ \(pid /,
    );
  });
});
