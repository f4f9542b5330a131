// Somebody else was there first: other users, and other things at names of ours. They are refused with a line, and another place
// is used; no name is followed through a link, and no descriptor leaks into a child.
import { chmodSync, chownSync, linkSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { enterChannel, ownerByte } from '../../src/channel/index.js';
import { mkfifo } from '../../src/libc/index.js';
import { runJob } from '../support/job.js';
import { leftovers, processesLeft, processesWith } from '../support/leftovers.js';
import { machineFile } from '../support/machine-file.js';
import { reportsIn } from '../support/shared-job.js';
import { temporaryFolder } from '../support/temporary.js';
import { wrapper } from '../support/wrapper.js';

const uid = process.getuid?.() ?? 0;
const nobody = 65534;
const rank = [process.execPath, join(import.meta.dirname, 'fixtures/rank.mjs')];
const bare = ['sh', join(import.meta.dirname, 'fixtures/bare.sh')];

/** Runs a job of 3 in a directory where something stands already. */
async function runAt(folder: string, command: readonly string[]) {
  // The next place after the one that is refused; not the usual ones, which other tests use at the same time.
  const env = { HWLOC_SHARE_DIR: folder, XDG_RUNTIME_DIR: temporaryFolder(), TMPDIR: temporaryFolder() };
  const { stdout, stderr, exitCode, marker } = await runJob(command, {
    env: { ...env, ...(await machineFile()) },
  });
  expect(exitCode, stderr).toBe(0);
  expect(await processesLeft(() => processesWith(marker))).toEqual([]);
  const told = reportsIn(stdout);
  expect(told).toHaveLength(3);
  expect(new Set(told.map(({ tree }) => tree)).size).toBe(1);
  expect(leftovers([env.XDG_RUNTIME_DIR, env.TMPDIR])).toEqual([]);
  return { how: told.map(({ outcome }) => outcome.how), stderr };
}

const linesThatDoNotMatch = (text: string, pattern: RegExp) =>
  text.split('\n').filter((line) => line !== '' && !pattern.test(line));
const all = (how: string) => [how, how, how];

describe('the directory of all our channels', () => {
  const cases: Record<string, { make: (root: string, folder: string) => void; says: RegExp; asRoot?: true }> =
    {
      'belongs to another user': {
        make: (root) => {
          mkdirSync(root, { mode: 0o700 });
          chownSync(root, nobody, nobody);
        },
        says: /belongs to user 65534/,
        asRoot: true,
      },
      'is open to others': {
        make: (root) => {
          mkdirSync(root);
          chmodSync(root, 0o777);
        },
        says: /is open to others \(mode 777\)/,
      },
      'is a link': {
        make: (root, folder) => {
          mkdirSync(join(folder, 'elsewhere'), { mode: 0o700 });
          symlinkSync(join(folder, 'elsewhere'), root);
        },
        says: /is a symbolic link/,
      },
      'is a file': {
        make: (root) => {
          writeFileSync(root, '');
        },
        says: /is not a directory/,
      },
    };

  test.for(Object.entries(cases))(
    '%s: refused, with a line that says so; the next place is used',
    async ([, { make, says, asRoot }], { skip }) => {
      if (asRoot && uid !== 0) skip('only root can give a directory away');
      const folder = temporaryFolder();
      make(join(folder, `hwloc-share-${uid}`), folder);
      const { how, stderr } = await runAt(folder, wrapper('local', '-n', '3', ...rank));
      expect(how).toEqual(all('adopted'));
      expect(linesThatDoNotMatch(stderr, /refused/)).toEqual([]);
      expect(stderr).toMatch(says);
    },
  );
});

describe('what stands at the name of the channel', () => {
  const cases: Record<string, { make: (path: string, folder: string) => void; says: RegExp }> = {
    'is a link': {
      make: (path, folder) => {
        mkdirSync(join(folder, 'elsewhere'), { mode: 0o700 });
        symlinkSync(join(folder, 'elsewhere'), path);
      },
      says: /is a symbolic link/,
    },
    'is a file': {
      make: (path) => {
        writeFileSync(path, '');
      },
      says: /is not a directory/,
    },
    'is open to others': {
      make: (path) => {
        mkdirSync(path);
        chmodSync(path, 0o755);
      },
      says: /is open to others \(mode 755\)/,
    },
  };

  test.for(Object.entries(cases))(
    '%s: refused, with a line that says so; the next place is used',
    async ([, { make, says }]) => {
      const folder = temporaryFolder();
      const root = join(folder, `hwloc-share-${uid}`);
      mkdirSync(root, { mode: 0o700 });
      make(join(root, `local@${hostname()}`), folder);
      const { how, stderr } = await runAt(folder, [...bare, '3', ...rank]);
      expect(how).toEqual(all('adopted'));
      expect(linesThatDoNotMatch(stderr, /refused/)).toEqual([]);
      expect(stderr).toMatch(says);
    },
  );
});

describe('what stands at a name in the channel', () => {
  const cases: Record<string, { make: (path: string) => void; says: RegExp; how: string }> = {
    'a file where the lobby is expected': {
      make: (path) => {
        rmSync(join(path, 'lobby'));
        writeFileSync(join(path, 'lobby'), '', { mode: 0o600 });
      },
      says: /lobby is not a FIFO/,
      how: 'discovered',
    },
    'a link where the lobby is expected': {
      make: (path) => {
        mkfifo(join(path, 'elsewhere'));
        rmSync(join(path, 'lobby'));
        symlinkSync('elsewhere', join(path, 'lobby'));
      },
      says: /ELOOP/,
      how: 'discovered',
    },
    'a lobby that is open to others': {
      make: (path) => {
        chmodSync(join(path, 'lobby'), 0o666);
      },
      says: /lobby is open to others/,
      how: 'discovered',
    },
    'a gate that is open to others': {
      make: (path) => {
        chmodSync(join(path, 'gate.1'), 0o666);
      },
      says: /gate.1 is open to others/,
      how: 'discovered',
    },
    'a round that is none': {
      make: (path) => {
        symlinkSync('/etc/passwd', join(path, 'round'));
      },
      says: /not a line of this protocol: "\/etc\/passwd"/,
      how: 'discovered',
    },
    'a file at the name of the topology: the next plan has another name': {
      make: (path) => {
        writeFileSync(join(path, 'topology.1'), 'something else', { mode: 0o600 });
      },
      says: /^$/,
      how: 'adopted',
    },
    'a hard link at the name of the topology: what it links to stays as it is': {
      make: (path) => {
        writeFileSync(join(path, 'precious'), 'something else', { mode: 0o600 });
        linkSync(join(path, 'precious'), join(path, 'topology.1'));
      },
      says: /^$/,
      how: 'adopted',
    },
  };

  test.for(Object.entries(cases))('%s', async ([, { make, says, how }]) => {
    const folder = temporaryFolder();
    // Somebody owns the channel, so that nobody sweeps it.
    const channel = enterChannel([join(folder, `hwloc-share-${uid}`)], `local@${hostname()}`, ownerByte);
    make(channel.path);
    const job = await runAt(folder, [...bare, '3', ...rank]);
    channel.roll.close();
    expect(job.how).toEqual(all(how));
    expect(job.stderr).toMatch(says);
  });
});

test('no descriptor of ours leaks into the children of a rank, at any point of the join', async () => {
  const fds = join(import.meta.dirname, 'fixtures/fds.mjs');
  const { stdout } = await runJob(
    wrapper('--dir', temporaryFolder(), 'local', '-n', '3', process.execPath, fds),
  );
  expect(stdout).toBe('{}\n{}\n{}\n');
});

describe('what is in a channel when everybody has a topology', () => {
  const killSwitch = join(import.meta.dirname, 'kill-switch.mjs');
  const listing = join(import.meta.dirname, 'fixtures/listing.mjs');
  const list = async (options: readonly string[], faults: readonly object[]) => {
    const program = [process.execPath, '--import', killSwitch, listing];
    const command = wrapper('--dir', temporaryFolder(), ...options, 'local', '-n', '3', ...program);
    const { stdout } = await runJob(command, {
      env: { FAULTS: JSON.stringify(faults), FAULTS_LOG: join(temporaryFolder(), 'log') },
    });
    return JSON.parse(stdout) as { files: Record<string, string>; above: string[] };
  };

  test('is for its user alone, and no XML that nobody needs', async () => {
    const { files, above } = await list([], []);
    expect(above).toEqual(['700', '700']);
    // A link is open to everybody, and says nothing that is not in the mappings of each rank.
    expect(files).toEqual({ lobby: '600', roll: '600', 'gate.3': '600', round: '777', 'topology.1': '600' });
  });

  test('is the XML as well, for whoever cannot adopt', async () => {
    const taken = { rank: 1, point: 'member:announced', act: 'take' };
    const { files } = await list(['--hole', '0x4abc00000000'], [taken]);
    expect(files).toMatchObject({ 'topology.xml': '600' });
  });
});

test('two jobs at once, and sweeps all the time, do not touch each other', { timeout: 60_000 }, async () => {
  const folder = temporaryFolder();
  const jobs = Array.from({ length: 4 }, async () =>
    runJob(wrapper('--dir', folder, 'local', '-n', '3', ...rank)),
  );
  const ended = Promise.all(jobs).then(() => true);
  while (!(await Promise.race([ended, runJob(wrapper('--dir', folder, 'clean')).then(() => false)])));
  for (const { stdout, stderr, exitCode } of await Promise.all(jobs)) {
    expect(reportsIn(stdout).map(({ outcome }) => outcome.how)).toEqual(all('adopted'));
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  }
  expect(leftovers([folder])).toEqual([]);
});
