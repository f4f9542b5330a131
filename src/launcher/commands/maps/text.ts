// Shows address spaces on a terminal: a strip for each, true to scale, then where things are, and the holes.

import { SCATTER_WINDOWS, USER_SPACE_END, formatAddress, sizeOf } from '../../../maps/index.js';
import { type Paint, bytes, counted } from '../text.js';
import { type KindName, kindNames, kinds } from './kinds.js';
import { whole } from './scale.js';
import type { Chosen, Comparison, Space } from './spaces.js';

/** Longer names are cut. */
const widestName = 24;

/** @param width  Columns of the terminal. */
export function formatComparison(comparison: Comparison, width: number, paint: Paint): string {
  const { spaces } = comparison;
  const names = Math.min(
    widestName,
    Math.max(...spaces.map(({ name }) => name.length), 'free in all'.length),
  );
  const columns = Math.max(32, Math.min(width, 160) - names - 4);
  const row = (name: string, strip: string) => `  ${fit(name, names)}  ${strip}`;
  const lines = [
    `${counted(spaces.length, 'address space')}, 0 to 128 TiB; one column is ${bytes(Math.round(whole / columns / 2 ** 30) * 2 ** 30)}`,
    '',
    row('', paint(axis(columns), 'dim')),
    ...spaces.map((space) => row(space.name, strip(space, comparison, columns, paint))),
    row('free in all', freeStrip(comparison, columns, paint)),
    ...(comparison.policy === 'scatter' ? [row('', paint(windows(columns), 'dim'))] : []),
    '',
    ...legend(comparison, width - 4, paint).map((line) => `  ${line}`),
    '',
    ...table(comparison, names, width),
    '',
    ...holeLines(comparison, paint),
  ];
  return lines.map((line) => line.trimEnd()).join('\n');
}

/** Addresses at every quarter: `0x200000000000`. */
function axis(columns: number): string {
  const marks = Array.from({ length: 4 }, (_, i) => ({
    at: Math.round((i * columns) / 4),
    text: `|${formatAddress((i * whole) / 4)}`,
  }));
  return marks.reduce((line, { at, text }) => `${line.padEnd(at)}${text}`, '');
}

/** Each column shows the most important content. */
function strip({ runs }: Space, { chosen }: Comparison, columns: number, paint: Paint): string {
  const cells = new Array<KindName | undefined>(columns).fill(undefined);
  for (const { kind, start, end } of runs) {
    for (let i = columnOf(start, columns); i <= columnOf(end - 1, columns); i++) {
      const there = cells[i];
      if (there === undefined || kindNames.indexOf(kind) < kindNames.indexOf(there)) cells[i] = kind;
    }
  }
  const at = chosen === undefined ? -1 : columnOf(chosen.start, columns);
  return cells
    .map((kind, i) => {
      if (kind !== undefined) return paint(kinds[kind].letter, ...kinds[kind].colours);
      return i === at ? paint('|', 'red') : paint('.', 'dim');
    })
    .join('');
}

/** A column is free only if all of it is. */
function freeStrip({ taken, chosen }: Comparison, columns: number, paint: Paint): string {
  const isTaken = new Array<boolean>(columns).fill(false);
  for (const { start, end } of taken) {
    if (start >= USER_SPACE_END) continue;
    isTaken.fill(true, columnOf(start, columns), columnOf(Math.min(end, USER_SPACE_END) - 1, columns) + 1);
  }
  const at = chosen === undefined ? -1 : columnOf(chosen.start, columns);
  return isTaken
    .map((each, i) => (i === at ? paint('^', 'red', 'bold') : each ? paint('#', 'dim') : paint('-', 'green')))
    .join('');
}

/** Where the default policy looks first and second. */
function windows(columns: number): string {
  return SCATTER_WINDOWS.reduce((line, { start, end }, i) => {
    const [from, to] = [columnOf(start, columns), columnOf(end - 1, columns)];
    const room = to - from - 1;
    const words = i === 0 ? [' searched first ', ' first ', ''] : [' then here ', ' then ', ''];
    const word = words.find(({ length }) => length <= room) ?? '';
    const bar = word.padStart(word.length + Math.floor((room - word.length) / 2), '_').padEnd(room, '_');
    return `${line.padEnd(from)}\\${bar}/`;
  }, '');
}

function legend({ spaces }: Comparison, width: number, paint: Paint): string[] {
  const present = kindNames.filter((kind) =>
    spaces.some(({ runs }) => runs.some((run) => run.kind === kind)),
  );
  const lines: string[] = [];
  let room = 0;
  for (const kind of present) {
    const { letter, label, colours } = kinds[kind];
    const entry = `${paint(letter, ...colours)} ${label}`;
    const length = label.length + 5;
    if (room < length) {
      lines.push(entry);
      room = width;
    } else lines.push(`${lines.pop() ?? ''}   ${entry}`);
    room -= length;
  }
  return lines;
}

/** The first address of each kind in each process, for as many kinds as there is space for. */
function table({ spaces }: Comparison, names: number, width: number): string[] {
  const shown: readonly KindName[] = ['program', 'heap', 'v8', 'topology', 'library', 'stack'];
  const present = shown.filter((kind) => spaces.some(({ runs }) => runs.some((run) => run.kind === kind)));
  const head = [
    'mapped',
    ...present.map((kind) => (kind === 'v8' ? 'V8' : kinds[kind].label.replace('shared ', ''))),
  ];
  const rows = spaces.map(({ runs }) => [
    bytes(sum(runs.map((run) => run.bytes))),
    ...present.map((kind) => cell(kind, runs)),
  ]);
  const widths = head.map((word, i) => Math.max(word.length, ...rows.map((row) => row[i]?.length ?? 0)));
  let end = names + 2;
  const fitting = widths.filter((each) => (end += each + 2) <= width).length;
  const line = (name: string, row: readonly string[]) =>
    `  ${fit(name, names)}  ${row
      .slice(0, fitting)
      .map((word, i) => word.padEnd(widths[i] ?? 0))
      .join('  ')}`;
  return [line('', head), ...spaces.map(({ name }, i) => line(name, rows[i] ?? []))];
}

function cell(kind: KindName, runs: Space['runs']): string {
  const found = runs.filter((run) => run.kind === kind);
  const [first] = found;
  if (first === undefined) return '-';
  if (kind !== 'v8') return formatAddress(first.start);
  return `${found.length} x, ${bytes(sum(found.map((run) => run.bytes)))}`;
}

/** The number of holes that get a line. */
const shownHoles = 5;

function holeLines({ holes, chosen, whyNot, policy, spaces }: Comparison, paint: Paint): string[] {
  const biggest = [...holes].sort((a, b) => sizeOf(b) - sizeOf(a)).slice(0, shownHoles);
  const lines = biggest.map((hole) => {
    const holds = chosen !== undefined && chosen.start >= hole.start && chosen.end <= hole.end;
    return `  ${formatAddress(hole.start).padEnd(14)}  ${bytes(sizeOf(hole)).padStart(9)}${holds ? paint('  <- chosen from this one', 'red') : ''}`;
  });
  const more = holes.length - biggest.length;
  return [
    `Free in all, biggest first${more > 0 ? ` (and ${more} more)` : ''}:`,
    ...lines,
    '',
    chosen === undefined
      ? (whyNot ?? '')
      : paint(sayChosen(chosen, spaces.length, policy, formatAddress), 'bold'),
  ];
}

/** Describes the chosen address on one line. */
export function sayChosen(
  chosen: Chosen,
  spaces: number,
  policy: string,
  format: (address: number) => string,
): string {
  const place = `${format(chosen.start)}, ${bytes(sizeOf(chosen))}`;
  switch (chosen.how) {
    case 'adopted':
      return `Chosen: ${place}; mapped in ${chosen.adopters} of ${spaces}`;
    case 'recorded':
      return `Chosen: ${place}, as recorded`;
    case 'would':
      return `Would be chosen: ${place} (policy ${policy})`;
  }
}

function columnOf(address: number, columns: number): number {
  return Math.min(columns - 1, Math.floor((address / whole) * columns));
}

function fit(name: string, width: number): string {
  return name.length > width ? `${name.slice(0, width - 1)}…` : name.padEnd(width);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
