// Reads address spaces: of running processes, of the ranks of a running job, and from files that recorded
// them.

import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import pLimit from 'p-limit';
import { codeOf, messageOf } from '../../../errors/index.js';
import { type Mapping, type Range, parseMaps, parseRange } from '../../../maps/index.js';
import { fileNamed } from '../../../environment/index.js';
import { CommandError } from '../../errors.js';
import { findJob } from '../running/jobs.js';
import { nameOf, readMapsOf } from '../running/processes.js';
import type { Source } from './spaces.js';

/** What was read. */
export interface Input {
  readonly sources: readonly Source[];
  /** The chosen address, if a file recorded it. */
  readonly recorded: Range | undefined;
  /** A common title: `job n017-…`; undefined if there is none. */
  readonly title: string | undefined;
}

/** The largest file that is read: enough for the maps of a thousand processes. */
const mostBytes = 1 << 28;

/** How many processes or files are read at once: the maps of a process with gigabytes of memory can take a while. */
const readAtOnce = 8;

/** @throws CommandError  a process, job or file does not exist, or a file contains no maps. */
export async function readInput(operands: readonly string[], job: string | undefined): Promise<Input> {
  const limited = pLimit(readAtOnce);
  const read = await Promise.all(operands.map((operand) => limited(() => fromOperand(operand))));
  const inputs = [...(job === undefined ? [] : [fromJob(job)]), ...read];
  return {
    sources: inputs.flatMap(({ sources }) => sources),
    recorded: inputs.find(({ recorded }) => recorded !== undefined)?.recorded,
    title: inputs.length === 1 ? inputs[0]?.title : undefined,
  };
}

function fromJob(which: string): Input {
  const { name, ranks } = findJob(which);
  const sources = ranks.map(({ rank, maps }) => fromText(`rank ${rank}`, maps));
  return { sources, recorded: undefined, title: `job ${name}` };
}

function fromOperand(operand: string): Promise<Input> {
  return /^\d+$/.test(operand) ? fromProcess(Number(operand)) : fromFile(operand);
}

async function fromProcess(pid: number): Promise<Input> {
  const text = await readMapsOf(pid);
  if (text === undefined)
    throw new CommandError(`pid ${pid}: no such process, or not one that we may look into`);
  return {
    sources: [fromText(`${pid} ${nameOf(pid)}`.trimEnd(), text)],
    recorded: undefined,
    title: undefined,
  };
}

async function fromFile(file: string): Promise<Input> {
  const bytes = await readOrRefuse(file);
  if (bytes.length > mostBytes) throw new CommandError(`${file} is too big to be maps`);
  const text = bytes.toString('utf8');
  try {
    if (/^\s*[{[]/.test(text)) return fromRecord(JSON.parse(text));
    return { sources: [fromText(basename(file), text)], recorded: undefined, title: undefined };
  } catch (error) {
    throw new CommandError(`${file}: ${messageOf(error)}`);
  }
}

async function readOrRefuse(file: string): Promise<Buffer> {
  try {
    return await readFile(fileNamed(file));
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    throw new CommandError(`${file}: no such file, and not the number of a process`);
  }
}

/**
 * Reads a recorded job: the output of `maps --json`, or a report whose ranks have `maps`.
 *
 * @throws Error  the record is neither.
 */
function fromRecord(record: unknown): Input {
  const { spaces, steps, address, bytes, title } = fieldsOf(record);
  const nodes = listOf(steps).flatMap((step) => listOf(fieldsOf(step).nodes));
  const ranks = (
    spaces === undefined ? nodes.flatMap((node) => listOf(fieldsOf(node).ranks)) : listOf(spaces)
  ).map(fieldsOf);
  const sources = ranks.flatMap(({ name, rank, maps }) => {
    const lines = typeof maps === 'string' ? [maps] : listOf(maps).filter((line) => typeof line === 'string');
    return lines.length === 0
      ? []
      : [fromText(typeof name === 'string' ? name : `rank ${Number(rank)}`, lines.join('\n'))];
  });
  if (sources.length === 0)
    throw new Error('there are no maps in it: neither "spaces", nor "steps" whose ranks have "maps"');
  const found = [{ address, bytes }, ...ranks].flatMap((each) => rangeOf(each.address, each.bytes) ?? []);
  return { sources, recorded: found[0], title: typeof title === 'string' ? title : undefined };
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A range from its address as `0x41a200000000` and its length in bytes. */
function rangeOf(address: unknown, bytes: unknown): Range | undefined {
  if (typeof address !== 'string' || !/^0x[\da-f]{1,16}$/i.test(address)) return undefined;
  if (typeof bytes !== 'number' || !(bytes > 0)) return undefined;
  const start = parseInt(address, 16);
  return { start, end: start + bytes };
}

/** @throws MapsFormatError */
function fromText(name: string, text: string): Source {
  const lines = text.split('\n').filter((line) => line !== '');
  const ranges = rangesAlone(lines);
  const mappings = ranges ?? parseMaps(text);
  if (mappings.length === 0) throw new CommandError(`${name}: no mappings`);
  return { name, mappings, lines };
}

/**
 * Lines that contain only ranges, as ranks send them to each other. The content of the ranges is not known.
 */
function rangesAlone(lines: readonly string[]): Mapping[] | undefined {
  const mappings: Mapping[] = [];
  for (const word of lines.flatMap((line) => line.trim().split(/\s+/))) {
    const range = parseRange(word);
    if (range === undefined) return undefined;
    mappings.push({ ...range, permissions: '', path: '' });
  }
  return mappings;
}
