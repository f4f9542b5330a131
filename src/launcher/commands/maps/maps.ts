// Compares address spaces, and shows them in the requested form.

import { writeFileSync } from 'node:fs';
import { environment, fileNamed, settingsFrom } from '../../../environment/index.js';
import { codeOf } from '../../../errors/index.js';
import { CommandError, UsageError } from '../../errors.js';
import { ownPageSize, policyFrom } from '../../command-line/hole.js';
import type { Call } from '../command.js';
import type { mapsOptions } from '../maps.js';
import { paintForStdout } from '../text.js';
import { readInput } from './input.js';
import { recordOf } from './json.js';
import { type Choice, type Comparison, compare } from './spaces.js';
import { drawComparison } from './svg.js';
import { formatComparison } from './text.js';

/** @returns the exit status. */
export async function showMaps(call: Call<typeof mapsOptions>): Promise<number> {
  const { given, operands } = call;
  const choice = choiceFrom(call);
  const { sources, recorded, title } = await readInput(operands, given.job);
  const comparison = compareOrRefuse(() => compare(sources, { ...choice, recorded }));
  if (given.svg !== undefined) {
    writePicture(given.svg, drawComparison(comparison, title), given.force === true);
  }
  if (given.json === true) {
    process.stdout.write(`${JSON.stringify(recordOf(sources, comparison, title), undefined, 2)}\n`);
  } else if (given.svg === undefined) {
    const width = process.stdout.isTTY ? process.stdout.columns : 100;
    process.stdout.write(`${formatComparison(comparison, width, paintForStdout())}\n`);
  }
  return 0;
}

/** Reports an explicit address that is not a multiple of the page size as the user's error. */
function compareOrRefuse(body: () => Comparison): Comparison {
  try {
    return body();
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(error.message);
    throw error;
  }
}

function choiceFrom({ given, options }: Call<typeof mapsOptions>): Omit<Choice, 'recorded'> {
  const policy =
    options.hole === undefined
      ? policyFrom(settingsFrom(environment()).hole ?? 'scatter', 'HWLOC_SHARE_HOLE')
      : policyFrom(options.hole, '--hole');
  const pageSize = ownPageSize();
  const length = bytesFrom(given.length ?? '1M');
  return { policy, pageSize, length: Math.ceil(length / pageSize) * pageSize };
}

function bytesFrom(text: string): number {
  const [, digits, unit = ''] = /^(\d{1,15})([KMGT]?)$/i.exec(text) ?? [];
  const bytes = Number(digits) * 1024 ** ' KMGT'.indexOf(unit.toUpperCase() || ' ');
  if (bytes > 0 && bytes <= 2 ** 47) return bytes;
  throw new UsageError(`--length takes bytes, as 1048576, 64K, 2M or 1G, not ${text}`);
}

function writePicture(file: string, picture: string, force: boolean): void {
  try {
    writeFileSync(fileNamed(file), picture, { flag: force ? 'w' : 'wx' });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    throw new CommandError(`${file} exists already; --force overwrites it`);
  }
}
