// Checks the limits of this user's processes, and the kernel settings, that sharing depends on.

import { readFileSync } from 'node:fs';
import { asRoot } from './distribution.js';
import type { Finding } from './finding.js';

/**
 * Pages of the FIFOs of a join with any number of ranks: the lobby and two gates. @see pipe(7), "Pipe
 * capacity"
 */
const pages = 3 * 16;

/**
 * Node reserves several GB of addresses (not memory) at its start. With 4,000,000 kB jobs ran well; with
 * less, Node itself fails.
 */
const leastAddressSpace = 4_000_000 * 1024;

/** Mappings of one process: Node has about 100, a heap of 40 million objects 5,300. */
const leastMappings = 10_000;

/** Checks limits and kernel settings. @param length  Bytes of the topology. */
export function checkLimits(length: number): readonly Finding[] {
  return [...limits(read('/proc/self/limits') ?? '', length), ...settings()];
}

/** @param text  The contents of /proc/self/limits. @see proc(5), getrlimit(2) */
function limits(text: string, length: number): Finding[] {
  const softLimit = (name: string) => {
    const [, soft = 'unlimited'] = new RegExp(`^${name} +(\\d+|unlimited)`, 'm').exec(text) ?? [];
    return soft === 'unlimited' ? Infinity : Number(soft);
  };
  const space = softLimit('Max address space');
  const size = softLimit('Max file size');
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

function settings(): Finding[] {
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
  // The kernel limits the pipes of all users except root.
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
      ok(value === 2 ? 'the kernel counts memory strictly, but not what hwloc-share reserves and maps' : ''),
    ),
    ...finding('fs.pipe-user-pages-hard', (value) =>
      fits(value)
        ? ok(value === 0 ? 'no limit' : '')
        : {
            level: 'warning',
            why: `a join has FIFOs of ${pages} pages; beyond the limit they cannot be opened`,
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
