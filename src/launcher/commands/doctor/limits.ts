// Limits of this user's processes, and settings of the kernel, that sharing depends on.

import { readFileSync } from 'node:fs';
import { asRoot } from './distribution.js';
import type { Finding } from './finding.js';

/** What a job here is expected to need. */
export interface Need {
  /** Ranks on this node. */
  readonly ranks: number;
  /** Bytes of the topology. */
  readonly length: number;
}

/** Open files of a leader: a pair for each member, and what Node, the launcher and the program have open besides. */
const filesFor = (ranks: number) => 2 * ranks + 64;

/** Pages of the pipes: a pair of 16 pages for each rank. @see pipe(7), "Pipe capacity" */
const pagesFor = (ranks: number) => 2 * 16 * ranks;

/** Node reserves several GB of addresses at its start (not memory). With 4,000,000 kB jobs ran well; below, it is Node that fails. */
const leastAddressSpace = 4_000_000 * 1024;

/** Mappings of one process: Node has about 100, a heap of 40 million objects 5,300. */
const leastMappings = 10_000;

/** The limits, and the settings of the kernel. */
export function checkLimits(need: Need): readonly Finding[] {
  return [...limits(read('/proc/self/limits') ?? '', need), ...settings(need)];
}

/** @param text  Of /proc/self/limits. @see proc(5), getrlimit(2) */
function limits(text: string, { ranks, length }: Need): Finding[] {
  const limit = (name: string) => {
    const [, soft, hard] = new RegExp(`^${name} +(\\d+|unlimited) +(\\d+|unlimited)`, 'm').exec(text) ?? [];
    const number = (word: string | undefined) =>
      word === undefined || word === 'unlimited' ? Infinity : Number(word);
    return { soft: number(soft), hard: number(hard) };
  };
  // Node raises its soft limit to the hard one when it starts.
  const files = limit('Max open files').hard;
  const space = limit('Max address space').soft;
  const size = limit('Max file size').soft;
  const finding = (
    name: string,
    option: string,
    value: number,
    enough: boolean,
    otherwise: Omit<Finding, 'subject' | 'facts'>,
  ): Finding => ({
    subject: `ulimit -${option}`,
    ...(enough ? { level: 'ok', text: `${name}: ${value === Infinity ? 'unlimited' : value}` } : otherwise),
    facts: { value: value === Infinity ? 'unlimited' : value },
  });
  return [
    finding('open files (ulimit -Hn)', 'n', files, files >= filesFor(ranks), {
      level: 'warning',
      text: `open files (ulimit -Hn): ${files}; with ${ranks} ranks on this node the leader may need ${filesFor(ranks)}, or some take no part in barriers`,
      mend: `echo '* - nofile ${2 ** Math.ceil(Math.log2(filesFor(ranks)))}' | ${asRoot('tee /etc/security/limits.d/hwloc-share.conf')}`,
    }),
    finding('address space (ulimit -v)', 'v', space, space >= leastAddressSpace, {
      level: 'warning',
      text: `address space (ulimit -v): ${space / 1024} kB; Node reserves more at its start, and may not run`,
      mend: 'ulimit -v unlimited',
    }),
    finding('file size (ulimit -f)', 'f', size, size >= length, {
      level: 'problem',
      text: `file size (ulimit -f): ${size} bytes; the topology has ${length}`,
      mend: 'ulimit -f unlimited',
    }),
  ];
}

function settings({ ranks }: Need): Finding[] {
  const setting = (name: string) => {
    const text = read(`/proc/sys/${name.replaceAll('.', '/')}`);
    return text === undefined ? undefined : Number(text);
  };
  const finding = (
    name: string,
    check: (value: number) => Omit<Finding, 'subject' | 'facts' | 'text'> & { why: string },
  ): Finding[] => {
    const value = setting(name);
    if (value === undefined) return [];
    const { why, ...rest } = check(value);
    return [{ subject: name, text: `${name} = ${value}${why && `: ${why}`}`, ...rest, facts: { value } }];
  };
  const ok = (why = '') => ({ level: 'ok', why }) as const;
  const pages = pagesFor(ranks);
  // The kernel counts the pipes of all users but root.
  const fits = (value: number) => value === 0 || value >= pages || process.geteuid?.() === 0;
  return [
    ...finding('vm.max_map_count', (value) =>
      value >= leastMappings
        ? ok()
        : {
            level: 'warning',
            why: 'a rank with a large heap has thousands of mappings',
            mend: asRoot('sysctl -w vm.max_map_count=65530'),
          },
    ),
    ...finding('vm.overcommit_memory', (value) =>
      ok(
        value === 2
          ? 'memory is accounted for strictly; what is reserved and shared here does not count'
          : '',
      ),
    ),
    ...finding('fs.pipe-user-pages-soft', (value) =>
      fits(value)
        ? ok()
        : {
            level: 'warning',
            why: `${ranks} ranks have pipes of ${pages} pages; those beyond the limit are smaller, and slower`,
            mend: asRoot(`sysctl -w fs.pipe-user-pages-soft=${pages}`),
          },
    ),
    ...finding('fs.pipe-user-pages-hard', (value) =>
      fits(value)
        ? ok(value === 0 ? 'no limit' : '')
        : {
            level: 'warning',
            why: `${ranks} ranks have pipes of ${pages} pages; beyond the limit pipes cannot be opened`,
            mend: asRoot('sysctl -w fs.pipe-user-pages-hard=0'),
          },
    ),
  ];
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1').trim();
  } catch {
    return undefined;
  }
}
