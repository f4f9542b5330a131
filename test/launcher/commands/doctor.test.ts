// hwloc-share doctor: what is there is ok, what is missing is named, with the command that mends it. Each fault is a real one.
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { distributionFrom } from '../../../src/launcher/commands/doctor/distribution.js';
import type { Finding } from '../../../src/launcher/commands/doctor/finding.js';
import { versionIn } from '../../../src/launcher/commands/doctor/programs.js';
import { checkNode } from '../../../src/launcher/commands/doctor/node.js';
import { readManifest } from '../../../src/launcher/manifest.js';
import { installed, rootOnly } from '../../support/programs.js';
import { makeChannel } from '../../support/channels.js';
import { findCommand } from '../../support/commands.js';
import { withoutHwlocErrors } from '../../support/hwloc-errors.js';
import { endlessPlugin, forPlugins } from '../../support/endless.js';
import { install } from '../../support/installed.js';
import { type JobOptions, runJob, startJob } from '../../support/job.js';
import { asUser, installForAll, nobody, wrapperIn } from '../../support/other-user.js';
import { temporaryFolder } from '../../support/temporary.js';
import { wrapper } from '../../support/wrapper.js';
import { onTerminal } from '../terminal.js';

const asRoot = process.getuid?.() === 0;
const uid = process.geteuid?.() ?? 0;
const sudo = asRoot ? '' : 'sudo ';

interface Examined {
  sharingWorks: boolean;
  findings: Finding[];
  exitCode: number | undefined;
}

/** Runs the doctor behind some other words, and reads its JSON. */
async function examine(
  inFront: readonly string[],
  options: JobOptions & { says?: string } = {},
  ...words: string[]
): Promise<Examined> {
  return examineWith([...inFront, ...wrapper('doctor', '--json', ...words)], options);
}

/** The same for the whole command line. */
async function examineWith(command: readonly string[], options: JobOptions = {}): Promise<Examined> {
  const env = { HWLOC_SHARE_DIR: temporaryFolder(), ...options.env };
  const { stdout, stderr, exitCode } = await runJob(command, { ...options, env });
  expect(withoutHwlocErrors(stderr)).toBe('');
  const examined = JSON.parse(stdout) as Omit<Examined, 'exitCode'>;
  expect(exitCode).toBe(examined.sharingWorks ? 0 : 1);
  expect(examined.sharingWorks).toBe(examined.findings.every(({ level }) => level !== 'problem'));
  return { ...examined, exitCode };
}

function found(examined: Examined | undefined, subject: string): Finding[] {
  return examined?.findings.filter((finding) => finding.subject === subject) ?? [];
}

/** A script that does something to its own mount namespace, then becomes the command. */
function mounted(script: string): string[] {
  return ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', `${script} && exec "$@"`, 'sh'];
}

describe('on a machine that has all', () => {
  test('every finding is ok or a warning, sharing works, and the status is 0', async () => {
    const examined = await examine([]);
    expect(examined.exitCode).toBe(0);
    expect([...new Set(examined.findings.map(({ subject }) => subject))]).toEqual([
      'node',
      'koffi',
      'libhwloc',
      'machine',
      'launcher',
      'lstopo',
      'place',
      'ulimit -v',
      'ulimit -f',
      'vm.max_map_count',
      'vm.overcommit_memory',
      'fs.pipe-user-pages-hard',
      'job',
      'self-test',
      'channels',
      'code cache',
    ]);
    for (const subject of ['node', 'koffi', 'libhwloc', 'machine', 'ulimit -f', 'channels', 'self-test']) {
      expect(found(examined, subject)).toMatchObject([{ level: 'ok' }]);
    }
    const [library] = found(examined, 'libhwloc');
    expect(library?.facts).toMatchObject({ file: expect.stringMatching(/^\/.*libhwloc\.so/) as unknown });
    expect(library?.text).toMatch(/^libhwloc \d+\.\d+.*, API \d+\.\d+, ABI 0x[23]0[0-9a-f]00, \//);
    const [machine] = found(examined, 'machine');
    const ranks = (found(examined, 'self-test')[0]?.facts?.ranks ?? []) as { outcome: { how: string } }[];
    expect(ranks.map(({ outcome }) => outcome.how)).toEqual(['adopted', 'adopted']);
    expect(machine?.facts?.length).toBeGreaterThan(0);
  });

  installed('mpirun.openmpi', 'mpiexec.hydra').test(
    'the launchers are named with their versions',
    async () => {
      const launchers = found(await examine([]), 'launcher');
      const version = expect.stringMatching(/^\d+\.\d+/) as unknown;
      for (const kind of ['openmpi', 'mpich']) {
        expect(launchers).toContainEqual(
          expect.objectContaining({
            level: 'ok',
            facts: expect.objectContaining({ kind, version }) as unknown,
          }),
        );
      }
    },
  );

  test('a person reads a line for each, without colours where it is no terminal', async () => {
    const { stdout, exitCode } = await runJob(wrapper('doctor', '--dir', temporaryFolder()));
    const lines = stdout.split('\n');
    expect(exitCode).toBe(0);
    expect(lines[0]).toMatch(/^hwloc-share \d+\.\d+\.\d+ on .*, Linux \d/);
    expect(lines.filter((line) => /^ {2}(ok {5}|warning|problem) {2}\S/.test(line)).length).toBeGreaterThan(
      14,
    );
    expect(lines.at(-2)).toMatch(/^Sharing works here/);
    expect(stdout).not.toMatch(/\u001b/);
  });

  installed('tmux').test('with colours on a terminal, unless NO_COLOR says no', async () => {
    const command = wrapper('doctor', '--dir', temporaryFolder());
    expect(await onTerminal(command)).toContain('\u001b[32mok     \u001b[39m');
    const bare = await onTerminal(command, { NO_COLOR: '1' });
    expect(bare).toContain('  ok       ');
    expect(bare).not.toContain('\u001b[32m');
  });
});

test('64 open files are enough', async () => {
  const words = ['sh', '-c', 'ulimit -n 64; exec "$@"', 'sh', ...wrapper('doctor', '--json')];
  const { stdout, stderr } = await runJob(words, { env: { HWLOC_SHARE_DIR: temporaryFolder() } });
  expect(stderr).toBe('');
  expect((JSON.parse(stdout) as Examined).sharingWorks).toBe(true);
});

describe('libhwloc and koffi', () => {
  test('no libhwloc: a problem, the package to install, and status 1', async () => {
    const folder = temporaryFolder();
    for (const name of ['libhwloc.so.15', 'libhwloc.so']) writeFileSync(join(folder, name), 'no library');
    const examined = await examine([], { env: { LD_LIBRARY_PATH: folder } });
    const [library] = found(examined, 'libhwloc');
    expect(library).toMatchObject({ level: 'problem' });
    expect(library?.text).toMatch(/^no libhwloc was found: \/.*libhwloc\.so\.15: file too short; /);
    if (findCommand('apt-get') !== undefined) expect(library?.mend).toBe(`${sudo}apt-get install libhwloc15`);
    expect(found(examined, 'self-test')).toMatchObject([{ level: 'problem' }]);
    expect(examined.exitCode).toBe(1);
  });

  rootOnly('mount', 'unshare').test('the package is named as the distribution calls it', async () => {
    const folder = temporaryFolder();
    for (const name of ['libhwloc.so.15', 'libhwloc.so']) writeFileSync(join(folder, name), 'no library');
    writeFileSync(join(folder, 'os-release'), `ID=fedora\nPRETTY_NAME='A Linux'\n`);
    const inFront = mounted(`mount --bind '${folder}/os-release' /etc/os-release`);
    const examined = await examine(inFront, { env: { LD_LIBRARY_PATH: folder } });
    expect(examined).toMatchObject({ distribution: 'A Linux' });
    expect(found(examined, 'libhwloc')[0]?.mend).toBe('dnf install hwloc-libs');
  });

  test.each([
    ['ID=debian', 'apt-get install a'],
    ['ID=ubuntu\nID_LIKE=debian', 'apt-get install a'],
    ['NAME="Fedora Linux"\nID=fedora', 'dnf install d'],
    ['ID="rocky"\nID_LIKE="rhel centos fedora"', 'dnf install d'],
    ['ID="opensuse-leap"\nID_LIKE="suse opensuse"', 'zypper install z'],
    ["ID='sles'", 'zypper install z'],
    ['ID=plan9', undefined],
    ['', undefined],
  ])('packages are installed by the means of the distribution: %j', (text, command) => {
    const install = distributionFrom(text).install({ apt: 'a', dnf: 'd', zypper: 'z' });
    expect(install).toBe(command === undefined ? undefined : sudo + command);
  });

  test.each([
    ['--libhwloc', {}, ['--libhwloc', '/no/such/libhwloc.so']],
    ['HWLOC_SHARE_LIBHWLOC', { HWLOC_SHARE_LIBHWLOC: '/no/such/libhwloc.so' }, []],
  ])('another libhwloc than %s asks for is a warning', async (_, env, words) => {
    const examined = await examine([], { env }, ...words);
    const [library] = found(examined, 'libhwloc');
    expect(library).toMatchObject({ level: 'warning' });
    expect(library?.text).toMatch(
      /^\/no\/such\/libhwloc\.so was asked for and cannot be loaded; using libhwloc /,
    );
    expect(library?.mend).toBeDefined();
    expect(examined.exitCode).toBe(0);
  });

  test('no koffi: a problem, and the command that installs it', async () => {
    const command = [process.execPath, install({ koffi: false }).command, 'doctor', '--json'];
    const { stdout, exitCode } = await runJob(command, { env: { HWLOC_SHARE_DIR: temporaryFolder() } });
    const { findings } = JSON.parse(stdout) as Examined;
    expect(findings.find(({ subject }) => subject === 'koffi')).toMatchObject({
      level: 'problem',
      mend: 'npm install --include=optional koffi',
    });
    expect(exitCode).toBe(1);
  });

  test('a machine that cannot be discovered: a problem, and the variable that is to blame', async () => {
    const examined = await examine([], { env: { HWLOC_COMPONENTS: 'stop' } });
    const [machine] = found(examined, 'machine');
    expect(machine).toMatchObject({ level: 'problem', mend: 'unset HWLOC_COMPONENTS' });
    expect(machine?.text).toMatch(/^it cannot be discovered with HWLOC_COMPONENTS=stop: .*EINVAL/);
  });

  test('a description that hwloc cannot read and passes over in silence: a warning', async () => {
    const examined = await examine([], { env: { HWLOC_XMLFILE: '/no/such/file' } });
    const [machine] = found(examined, 'machine');
    expect(machine).toMatchObject({ level: 'warning', mend: 'unset HWLOC_XMLFILE' });
    expect(examined.exitCode).toBe(0);
  });

  test('a description in place of the machine is named, and a setting that is not understood', async () => {
    const examined = await examine([], {
      env: { HWLOC_SYNTHETIC: 'pack:2 core:8 pu:2', HWLOC_SHARE_TIMEOUT: 'soon' },
    });
    expect(found(examined, 'environment')).toMatchObject([{ level: 'warning' }]);
    const [machine] = found(examined, 'machine');
    expect(machine?.text).toMatch(
      /2 packages, 1 NUMA node, 16 cores, 32 PUs \(as HWLOC_SYNTHETIC says, not this machine\)/,
    );
    expect(machine?.facts).toMatchObject({ packages: 2, cores: 16, pus: 32, sources: ['HWLOC_SYNTHETIC'] });
  });
});

describe('launchers', () => {
  test('none in PATH: a warning, and how to install one; sharing works', async () => {
    const examined = await examine([], { env: { PATH: temporaryFolder() } });
    const launchers = found(examined, 'launcher');
    expect(launchers).toMatchObject([{ level: 'warning' }]);
    if (findCommand('apt-get') !== undefined)
      expect(launchers[0]?.mend).toBe(`${sudo}apt-get install openmpi-bin`);
    expect(found(examined, 'lstopo')[0]?.text).toMatch(/^lstopo is not installed/);
    expect(examined.exitCode).toBe(0);
  });

  test('one that does not say its version, and a stranger, are warnings', async () => {
    const folder = temporaryFolder();
    const program = (name: string, script: string) => {
      writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    };
    program('srun', 'echo "srun: fatal: no configuration" >&2; exit 1');
    program('mpirun', 'echo "mpirun of my own 1.0"');
    const examined = await examine([], { env: { PATH: `${folder}:/bin` } });
    const told = found(examined, 'launcher').filter(({ text }) => text.includes(folder));
    expect(told.map(({ level }) => level)).toEqual(['warning', 'warning']);
    expect(told.map(({ text }) => text)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^slurm: srun \(.*\) does not tell its version.*no configuration$/),
        expect.stringMatching(/^mpirun \(.*\) is not a launcher that we know/),
      ]),
    );
  });

  test.each([
    ['mpirun (Open MPI) 4.1.4\n\nReport bugs to http://www.open-mpi.org/community/help/', '4.1.4'],
    ['mpirun.openmpi (OpenRTE) 4.1.4', '4.1.4'],
    [
      'HYDRA build details:\n    Version:                                 4.0.2\n    Release Date: 1',
      '4.0.2',
    ],
    ['Intel(R) MPI Library for Linux* OS, Version 2021.9 Build 20230307 (id: d82b3071db)', '2021.9'],
    ['slurm 22.05.8', '22.05.8'],
    ['prterun (PRRTE) 3.0.1rc1', '3.0.1rc1'],
    ['srun: error: resolve_ctls_from_dns_srv: res_nsearch error: Unknown host', undefined],
  ])('the version in %j is found', (printed, version) => {
    expect(versionIn(printed)).toBe(version);
  });
});

rootOnly('mount', 'unshare').describe('directories', () => {
  const inShm = join(import.meta.dirname, '../../faults/fixtures/in-shm.sh');
  /** About 1 MB. */
  const large = 'pack:4 core:64 pu:2';

  /** Runs the doctor, mends what is to be mended, and runs it again. */
  async function examineIn(kind: string, env: Record<string, string> = {}, mend = ''): Promise<Examined[]> {
    const twice = '"$@"; [ -z "$MEND" ] || { eval "$MEND" && "$@"; }';
    const { stdout, stderr } = await runJob(
      ['sh', inShm, kind, 'sh', '-c', twice, 'sh', ...wrapper('doctor', '--json')],
      {
        env: {
          ...{ TMPDIR: temporaryFolder(), XDG_RUNTIME_DIR: undefined, HWLOC_SHARE_DIR: undefined },
          ...{ MEND: mend, ...env },
        },
      },
    );
    expect(stderr).toBe('');
    return stdout.split(/^(?=\{)/m).map((text) => JSON.parse(text) as Examined);
  }

  test.each([
    [
      'small',
      { HWLOC_SYNTHETIC: large },
      /64 KiB free of 64 KiB.*; a topology takes /,
      'mount -o remount,size=64M /dev/shm',
    ],
    ['full', {}, /0 B free of 64 KiB.*; a topology takes /, 'mount -o remount,size=64M /dev/shm'],
    ['inodes', {}, /; \d+ of \d+ files are free$/, 'mount -o remount,nr_inodes=4096 /dev/shm'],
    ['readonly', {}, /^\/dev\/shm is on a read-only file system$/, 'mount -o remount,rw /dev/shm'],
    [
      'missing',
      {},
      /^\/dev\/shm is not there$/,
      "sh -c 'mkdir -p /dev/shm && mount -t tmpfs -o mode=1777 tmpfs /dev/shm'",
    ],
  ])(
    '/dev/shm is %s: a warning, as the next one serves; and the command mends it',
    async (kind, env, text, mend) => {
      const [examined, mended] = await examineIn(kind, env, mend);
      const [first, ...others] = found(examined, 'place');
      expect(first).toMatchObject({
        level: 'warning',
        mend,
        facts: { directory: '/dev/shm', usable: false },
      });
      expect(first?.text).toMatch(text);
      expect(others).toMatchObject([{ level: 'ok' }]);
      expect(found(examined, 'self-test')).toMatchObject([{ level: 'ok' }]);
      expect(examined?.sharingWorks).toBe(true);
      expect(found(mended, 'place')[0]).toMatchObject({ level: 'ok', facts: { directory: '/dev/shm' } });
    },
  );

  test('no room anywhere: a problem, as the self-test finds as well', async () => {
    const [examined] = await examineIn('small-everywhere', { HWLOC_SYNTHETIC: large });
    expect(found(examined, 'place')).toMatchObject([{ level: 'problem' }, { level: 'problem' }]);
    const [test] = found(examined, 'self-test');
    expect(test).toMatchObject({ level: 'problem' });
    expect(test?.text).toMatch(/^two ranks do not share: rank 0: .*ENOSPC/);
    expect(examined?.sharingWorks).toBe(false);
  });

  test('what the mount options are is told', async () => {
    const [examined] = await examineIn('noexec');
    const [first] = found(examined, 'place');
    expect(first).toMatchObject({ level: 'ok', facts: { fileSystem: 'tmpfs', mountPoint: '/dev/shm' } });
    expect(first?.text).toMatch(/^\/dev\/shm: tmpfs, .* free of .*, rw,nosuid,nodev,noexec/);
  });
});

test('a directory of ours that is open to others is refused, with the command that closes it', async () => {
  const folder = `${temporaryFolder()}/it's here`;
  mkdirSync(folder);
  const root = join(folder, `hwloc-share-${uid}`);
  mkdirSync(root);
  chmodSync(root, 0o755);
  const [first] = found(await examine([], { env: { HWLOC_SHARE_DIR: undefined } }, '--dir', folder), 'place');
  expect(first).toMatchObject({
    level: 'warning',
    mend: `chmod 700 '${folder.replace("'", `'\\''`)}/hwloc-share-${uid}'`,
    facts: { directory: folder },
  });
  expect(first?.text).toMatch(/is open to others/);
});

test.runIf(asRoot)(
  'uid 0 in a user namespace is not told to remove the channels of the real root, which a job is using',
  async () => {
    const folder = temporaryFolder();
    chmodSync(folder, 0o777);
    const root = join(folder, 'hwloc-share-0');
    const channel = makeChannel(folder, 'living', 'living');
    const inside = [...asUser(nobody), 'unshare', '--user', '--map-root-user'];
    const install = installForAll();
    const doctor = wrapperIn(install, 'doctor', '--json');
    const examined = await examineWith([...inside, ...doctor], { env: { HWLOC_SHARE_DIR: folder } });
    const [place] = found(examined, 'place');
    expect(place).toMatchObject({ level: 'warning', facts: { directory: folder, usable: false } });
    expect(place?.text).toMatch(/ belongs to user 65534; refused: set HWLOC_SHARE_DIR to another directory$/);
    expect(examined.findings.filter(({ mend }) => mend?.includes(root))).toEqual([]);

    const clean = wrapperIn(install, 'clean', '--dir', folder);
    const { exitCode, stdout, stderr } = await runJob([...inside, ...clean]);
    expect({ exitCode, stdout, stderr }).toEqual({
      exitCode: 0,
      stdout: '',
      stderr: `hwloc-share: ${root} belongs to user 65534; left as it is\n`,
    });
    expect(existsSync(channel)).toBe(true);
  },
);

describe('where no program can be started', () => {
  const inFolder = (then: string) => ['sh', '-c', `mkdir "$0"; cd "$0"; ${then}; exec "$@"`];

  test('as the working directory has been removed, the doctor says so in one line', async () => {
    const gone = [...inFolder('rmdir "$0"'), join(temporaryFolder(), 'gone'), ...wrapper('doctor')];
    const { stdout, stderr } = await runJob(gone);
    expect(`${stdout}${stderr}`).toBe(
      'hwloc-share: the working directory has been removed: change to another one\n',
    );
  });

  rootOnly('setpriv').test(
    'as the user may not enter the working directory, the doctor works all the same',
    async () => {
      const closed = [...inFolder('chmod 700 "$0"'), join(temporaryFolder(), 'closed'), ...asUser(nobody)];
      const doctor = wrapperIn(installForAll(), 'doctor', '--json');
      const examined = await examineWith([...closed, ...doctor], { env: { HWLOC_SHARE_DIR: undefined } });
      expect(found(examined, 'self-test')).toMatchObject([{ level: 'ok' }]);
    },
  );
});

describe('limits', () => {
  const limited = (limit: string) => ['sh', '-c', `ulimit ${limit}; exec "$@"`, 'sh'];

  test('little address space: a warning', async () => {
    const examined = await examine(limited('-v 3900000'));
    expect(found(examined, 'ulimit -v')).toMatchObject([{ level: 'warning', mend: 'ulimit -v unlimited' }]);
  });

  test('a short file size: a problem, as the self-test finds as well', async () => {
    // Of 512 bytes.
    const examined = await examine(limited('-f 8'));
    expect(found(examined, 'ulimit -f')).toMatchObject([
      { level: 'problem', mend: 'ulimit -f unlimited', facts: { value: 4096 } },
    ]);
    expect(found(examined, 'self-test')[0]?.text).toMatch(/EFBIG/);
  });

  rootOnly('mount', 'unshare').test(
    "the kernel's settings, for a user who is not root: warnings where they are too low, and the sysctl",
    async () => {
      const folder = temporaryFolder();
      const bind = (name: string, value: number) => {
        writeFileSync(join(folder, name), `${value}\n`);
        return `mount --bind '${folder}/${name}' /proc/sys/${name.replaceAll('.', '/')}`;
      };
      const binds = [
        bind('vm.max_map_count', 800),
        bind('vm.overcommit_memory', 2),
        bind('fs.pipe-user-pages-hard', 17),
      ];
      const inFront = [...mounted(binds.join(' && ')), ...asUser(nobody)];
      const doctor = wrapperIn(installForAll(), 'doctor', '--json');
      const examined = await examineWith([...inFront, ...doctor], { env: { HWLOC_SHARE_DIR: undefined } });
      const settings = examined.findings.filter(({ subject }) => /^(vm|fs)\./.test(subject));
      expect(settings).toMatchObject([
        { subject: 'vm.max_map_count', level: 'warning', mend: 'sudo sysctl -w vm.max_map_count=65530' },
        { subject: 'vm.overcommit_memory', level: 'ok', facts: { value: 2 } },
        { subject: 'fs.pipe-user-pages-hard', level: 'warning', facts: { value: 17 } },
      ]);
      expect(settings[2]?.mend).toBe('sudo sysctl -w fs.pipe-user-pages-hard=0');
      expect(examined.exitCode).toBe(0);
    },
  );
});

describe('what dead jobs left', () => {
  test('is gone after the self-test, which says so; nothing is advised', async () => {
    const folder = temporaryFolder();
    const living = makeChannel(folder, 'living', 'living');
    const dead = makeChannel(folder, 'dead', 'dead');
    const examined = await examine([], { env: { HWLOC_SHARE_DIR: folder } });
    expect(found(examined, 'channels')).toMatchObject([
      { level: 'ok', facts: { living: [living], stale: [], removed: [dead] } },
    ]);
    expect(found(examined, 'channels')[0]?.text).toMatch(
      /^1 of dead jobs, \d+ B, removed by the self-test, as by any job: \S+\/dead$/,
    );
    expect(examined.findings.filter(({ mend }) => mend?.includes('clean'))).toEqual([]);
    expect([existsSync(living), existsSync(dead)]).toEqual([true, false]);
    expect(found(await examine([], { env: { HWLOC_SHARE_DIR: folder } }), 'channels')).toMatchObject([
      { level: 'ok', text: 'channels: 1, of jobs that run' },
    ]);
  });

  rootOnly('mount', 'unshare').test('is a warning where it cannot be removed', async () => {
    const folder = temporaryFolder();
    const dead = makeChannel(folder, 'dead', 'dead');
    const readOnly = mounted(`mount --bind '${folder}' '${folder}' && mount -o remount,ro,bind '${folder}'`);
    const examined = await examine(readOnly, { env: { HWLOC_SHARE_DIR: folder } });
    expect(found(examined, 'channels')).toMatchObject([
      { level: 'warning', facts: { stale: [dead], removed: [] } },
    ]);
    expect(found(examined, 'channels')[0]?.text).toMatch(/^1 of dead jobs, .* cannot be removed: \S+\/dead$/);
  });
});

describe('jobs that run', () => {
  test('are told, with their ranks and what they share; so are those that share nothing', async () => {
    const fixture = join(import.meta.dirname, 'fixtures/stays.mjs');
    const env = { HWLOC_SHARE_DIR: temporaryFolder() };
    const job = startJob(wrapper('local', '-n', '2', process.execPath, fixture), { env });
    const lonely = startJob(wrapper('local', '-n', '3', process.execPath, fixture, 'alone'), { env });
    await job.printed(/joined [^]*joined/);
    await lonely.printed(/alone[^]*alone[^]*alone/);
    const pids = [...job.output().matchAll(/pid (\d+)/g)].map(([, pid]) => Number(pid)).sort((a, b) => a - b);
    const jobs = found(await examine([]), 'job');
    process.kill(job.pid);
    process.kill(lonely.pid);

    const ours = jobs.find(({ facts }) => (facts?.pids as number[] | undefined)?.includes(pids[0] ?? 0));
    expect(ours).toMatchObject({ level: 'ok', facts: { sharing: expect.arrayContaining(pids) as unknown } });
    expect(ours?.text).toMatch(/^\S+: 2 of 2 ranks share \d.* at 0x[0-9a-f]+ \(pid \d+, \d+\)$/);
    expect(ours?.facts?.pids).toHaveLength(2);
    const others = jobs.filter(({ text }) => text.includes(': 3 ranks, and none shares a topology (pid '));
    expect(others.length).toBeGreaterThan(0);
    await Promise.all([job.result, lonely.result]);
  });

  // In a namespace of its own, where it sees no other jobs.
  rootOnly('unshare').test('do not include a doctor that is started as a rank', async () => {
    const alone = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'];
    const { stdout } = await runJob(
      [...alone, ...wrapper('local', '-n', '1', ...wrapper('doctor', '--json'))],
      {
        env: { HWLOC_SHARE_DIR: temporaryFolder() },
      },
    );
    const { findings } = JSON.parse(stdout) as Examined;
    expect(findings.filter(({ subject }) => subject === 'job')).toMatchObject([
      { level: 'ok', text: 'no job of yours is running here now' },
    ]);
  });
});

installed(...forPlugins).describe('a discovery that does not end', () => {
  const folder = () => endlessPlugin();

  test('is a warning that names the plugin at fault; each finding is printed when it is found', async () => {
    const env = { HWLOC_PLUGINS_PATH: folder(), HWLOC_SHARE_DIR: temporaryFolder() };
    const job = startJob(wrapper('--timeout', '8', 'doctor'), { env });
    // Long before the discovery is given up.
    await job.printed(
      /^ {2}ok {7}libhwloc [^]*^hwloc-share: hwloc has been discovering this machine for 5 s; waiting 8 s at most/m,
    );
    expect(job.output()).not.toMatch(/machine:|Sharing works/);
    const { exitCode, stdout } = await job.result;
    expect(exitCode).toBe(0);
    const lines = stdout.split('\n');
    const at = lines.findIndex((line) => line.includes('machine: '));
    expect(lines.slice(at, at + 3)).toEqual([
      '  warning  machine: hwloc does not discover this machine: no answer within 8 s, because of its plugin endless; ranks wait ' +
        'for that, and go on without plugins',
      '           $ export HWLOC_COMPONENTS=-endless',
      expect.stringMatching(/^ {2}ok {7}machine: \d+ packages?, .* no plugins of hwloc$/),
    ]);
    expect(stdout).toMatch(/self-test: two ranks share .* \(with HWLOC_COMPONENTS=-endless\)$/m);
    expect(stdout).toMatch(/^Sharing works here \(\d warnings?\)\.$/m);
  });

  test('the command that mends it keeps what the user has left out', async () => {
    const env = { HWLOC_PLUGINS_PATH: folder(), HWLOC_COMPONENTS: '-x' };
    const examined = await examine([], { env }, '--timeout', '2');
    const [machine] = found(examined, 'machine');
    expect(machine).toMatchObject({
      level: 'warning',
      facts: { plugins: ['endless'], culprits: ['endless'] },
    });
    const mended = { ...env, HWLOC_COMPONENTS: machine?.mend?.replace('export HWLOC_COMPONENTS=', '') };
    expect(mended.HWLOC_COMPONENTS).toBe('-endless,-x');
    expect(found(await examine([], { env: mended }, '--timeout', '20'), 'machine')).toMatchObject([
      { level: 'ok' },
    ]);
  });
});

installed('mkfifo').test('a discovery that does not end without plugins, either, is a problem', async () => {
  const file = join(temporaryFolder(), 'machine.xml');
  await runJob(['mkfifo', file]);
  const examined = await examine([], { env: { HWLOC_XMLFILE: file } }, '--timeout', '1');
  expect(found(examined, 'machine')).toMatchObject([{ level: 'problem', mend: 'unset HWLOC_XMLFILE' }]);
  expect(found(examined, 'machine')[0]?.text).toBe(
    'hwloc does not discover this machine (no answer within 1 s), not without its plugins either (no answer within 1 s)',
  );
  expect(found(examined, 'self-test')).toMatchObject([{ level: 'problem' }]);
});

test('a launcher that does not answer is not waited for', async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'jsrun'), '#!/bin/sh\nexec sleep 100\n', { mode: 0o755 });
  const env = { PATH: `${folder}:${process.env.PATH ?? ''}` };
  const launchers = found(await examine([], { env }), 'launcher').filter(({ text }) =>
    text.includes('jsrun'),
  );
  expect(launchers).toMatchObject([{ level: 'warning' }]);
  expect(launchers[0]?.text).toMatch(/does not tell its version, and so may not work; it says: nothing$/);
});

test('doctor takes no other words', async () => {
  const { exitCode, stderr } = await runJob(wrapper('doctor', 'please'));
  expect({ exitCode, stderr }).toEqual({
    exitCode: 2,
    stderr: 'hwloc-share: doctor takes no arguments (see --help)\n',
  });
});

test('the lowest Node that is named is that of package.json', async () => {
  const manifest = JSON.parse(readFileSync(join(import.meta.dirname, '../../../package.json'), 'utf8')) as {
    engines: { node: string };
  };
  const { lowestNode } = await readManifest();
  expect(`>=${lowestNode}`).toBe(manifest.engines.node);
  expect(
    ['v18.20.4', 'v20.18.9', 'v20.19.0', 'v22.0.0', 'v24.1.0'].map(
      (version) => checkNode(version, lowestNode).level,
    ),
  ).toEqual(['problem', 'problem', 'ok', 'ok', 'ok']);
});
