// What all parts of the picture share: sizes, colours, and names.

import type { Range } from '../../../maps/index.js';
import { bytes, counted } from '../text.js';
import { element, text } from './elements.js';
import { type KindName, kindNames, kinds } from './kinds.js';
import { whole } from './scale.js';
import type { Comparison, Run } from './spaces.js';

export const width = 1600;
export const left = 130;
export const right = 1524;

export const red = '#c1440e';
export const green = '#cdebc5';
export const darkGreen = '#2f7d32';

/** A part of the picture, and where it ends. */
export interface Drawn {
  readonly elements: readonly string[];
  readonly bottom: number;
}

/** The parts of the address space that have a meaning, and the kinds of mapping in them. */
const zones: readonly (Range & { readonly label: string; readonly kinds: readonly KindName[] })[] = [
  { start: 0, end: 2 ** 32, label: 'program and heap', kinds: ['program', 'heap'] },
  { start: 2 ** 32, end: 0x4000_0000_0000, label: 'V8 scatters its own at random', kinds: ['v8'] },
  {
    start: 0x5400_0000_0000,
    end: 0x6000_0000_0000,
    label: 'programs and their heaps',
    kinds: ['program', 'heap'],
  },
  {
    start: 0x7000_0000_0000,
    end: whole,
    label: 'libraries, threads, stacks',
    kinds: ['library', 'anonymous', 'stack', 'file'],
  },
];

/** Writes the names of these parts below a panel. @param at  Where an address is drawn. */
export function drawZones({ spaces }: Comparison, at: (address: number) => number, y: number): Drawn {
  const elements = zones.flatMap((zone) => {
    const runs = spaces
      .flatMap((space) => space.runs)
      .filter((run) => zone.kinds.includes(run.kind) && run.start >= zone.start && run.end <= zone.end);
    if (runs.length === 0) return [];
    const from = at(Math.min(...runs.map(({ start }) => start)));
    const to = Math.max(from + 2, at(Math.max(...runs.map(({ end }) => end))));
    const middle = (from + to) / 2;
    const anchor = middle < left + 60 ? 'start' : middle > right - 90 ? 'end' : 'middle';
    const x = anchor === 'start' ? from : anchor === 'end' ? to : middle;
    const path = `M${from.toFixed(1)} ${y}v6H${to.toFixed(1)}v-6`;
    return [
      element('path', { d: path, fill: 'none', stroke: '#555' }),
      text(x, y + 21, zone.label, { class: 'note', 'text-anchor': anchor }),
    ];
  });
  return { elements, bottom: y + 24 };
}

/** Sorts runs so that the most important ones are drawn last, on top of the others. */
export function byImportance(runs: readonly Run[]): Run[] {
  return [...runs].sort((a, b) => kindNames.indexOf(b.kind) - kindNames.indexOf(a.kind));
}

export function nameAt(name: string, middle: number): string {
  const shown = name.length > 15 ? `${name.slice(0, 14)}…` : name;
  return text(left - 10, middle + 4.5, shown, { 'text-anchor': 'end' });
}

export function describe(name: string, run: Run): string {
  const files = run.paths.length === 0 ? '' : `\n${run.paths.slice(0, 12).join('\n')}`;
  return `${name}: ${kinds[run.kind].label}\n${sayRange(run)}, ${counted(run.count, 'mapping')}${files}`;
}

export function sayRange({ start, end }: Range): string {
  return `${hexOf(start)} to ${hexOf(end)}, ${bytes(end - start)}`;
}

/** `0x4949_1440_0000`: grouped, since people cannot easily compare twelve digits. */
export function hexOf(address: number): string {
  const digits = address.toString(16);
  return `0x${digits.replace(/\B(?=(.{4})+$)/g, '_')}`;
}

export function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}
