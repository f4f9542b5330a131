// The kinds of content of a mapping, as far as its line of maps shows, with the name and colours of each
// kind.

import { type Mapping, SCATTER_WINDOWS } from '../../../maps/index.js';
import type { Colour } from '../text.js';

/** One kind of content. */
export interface Kind {
  /** Its name for people. */
  readonly label: string;
  /** For places with space for a single character. */
  readonly letter: string;
  /** Its colour in pictures, from Okabe and Ito's palette, which colour-blind people can tell apart. */
  readonly fill: string;
  /** Its colours on a terminal. */
  readonly colours: readonly Colour[];
}

/**
 * The kinds, the most important first: if one character or pixel stands for several kinds, it shows the first
 * of them.
 */
export const kinds = {
  topology: { label: 'shared topology', letter: 'T', fill: '#d55e00', colours: ['red', 'bold'] },
  heap: { label: 'heap', letter: 'h', fill: '#e69f00', colours: ['yellow', 'bold'] },
  stack: { label: 'stack', letter: 's', fill: '#009e73', colours: ['green'] },
  library: { label: 'libraries', letter: 'l', fill: '#56b4e9', colours: ['cyan'] },
  program: { label: 'program', letter: 'p', fill: '#0072b2', colours: ['blue', 'bold'] },
  shared: { label: 'other shared memory', letter: 'm', fill: '#f0e442', colours: ['yellow'] },
  file: { label: 'other files', letter: 'f', fill: '#8d7b68', colours: [] },
  v8: { label: "V8's own, scattered", letter: 'v', fill: '#cc79a7', colours: ['magenta'] },
  anonymous: { label: 'anonymous: malloc, threads', letter: 'a', fill: '#999999', colours: [] },
  reserved: { label: 'reserved, without access', letter: 'r', fill: '#dddddd', colours: ['dim'] },
  kernel: { label: "the kernel's (vdso, vvar)", letter: 'k', fill: '#333333', colours: ['dim'] },
  unknown: { label: 'mapped', letter: 'x', fill: '#777777', colours: [] },
} as const satisfies Readonly<Record<string, Kind>>;

export type KindName = keyof typeof kinds;

/** The names in their order. */
export const kindNames = Object.keys(kinds) as KindName[];

/** Below this, V8 scatters its mappings at random. */
const endOfV8 = SCATTER_WINDOWS[0]?.start ?? 0;

/** The kind of each mapping, for all mappings of one process. */
export function kindsOf(mappings: readonly Mapping[]): KindName[] {
  const program = programIn(mappings);
  const hasV8 = /(^|\/)node(js)?( \(deleted\))?$/.test(program ?? '');
  let before: KindName | undefined;
  return mappings.map((mapping) => {
    const kind = kindOf(mapping, program, hasV8, before);
    before = kind;
    return kind;
  });
}

/**
 * The program's file: the first executable mapping of a file below the libraries; if there is none, the first
 * at all (an interpreter: ld.so).
 */
function programIn(mappings: readonly Mapping[]): string | undefined {
  return mappings.find(({ path, permissions }) => path.startsWith('/') && permissions[2] === 'x')?.path;
}

function kindOf(
  { start, permissions, path }: Mapping,
  program: string | undefined,
  hasV8: boolean,
  before: KindName | undefined,
): KindName {
  if (permissions === '') return 'unknown';
  if (/\/hwloc-share-\d+\/[^/]+\/topology\.\d+( \(deleted\))?$/.test(path)) return 'topology';
  if (path === '[heap]') return 'heap';
  if (path.startsWith('[stack')) return 'stack';
  if (/^\[(v(dso|var|syscall|var_vclock)|uprobes)\]/.test(path)) return 'kernel';
  if (path === program) return 'program';
  if (/\.so(\.[^/]*)?( \(deleted\))?$/.test(path)) return 'library';
  if (permissions[3] === 's') return 'shared';
  if (path !== '' && !path.startsWith('[anon')) return 'file';
  if (permissions.startsWith('---')) return 'reserved';
  if (hasV8 && start < endOfV8 && before !== 'program') return 'v8';
  return 'anonymous';
}
