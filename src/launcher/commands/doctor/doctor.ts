// All that the doctor looks at, in order.

import { release } from 'node:os';
import { settingsFrom, environment } from '../../../environment/index.js';
import { readManifest } from '../../manifest.js';
import type { Call } from '../command.js';
import { paintForStdout } from '../paint.js';
import { checkChannels } from './channels.js';
import { checkCodeCache } from './code-cache.js';
import { type Distribution, ownDistribution } from './distribution.js';
import type { Finding } from './finding.js';
import { checkLaunchers } from './launchers.js';
import { checkLibrary } from './library.js';
import { checkLimits } from './limits.js';
import { checkNode } from './node.js';
import { checkPicture } from './picture.js';
import { checkPlaces } from './places.js';
import { formatFindings, verdict } from './print.js';
import { selfTest } from './self-test.js';

/** Of the JSON: a reader should refuse one that it does not know. */
const formatVersion = 1;

/** @returns 0 if sharing works here, 1 if not. */
export async function examine(call: Call, asJson: boolean): Promise<number> {
  const manifest = await readManifest();
  const distribution = ownDistribution();
  const findings = await allFindings(call, distribution, manifest);
  const works = findings.every(({ level }) => level !== 'problem');
  if (asJson) {
    const { version } = manifest;
    const host = { distribution: distribution.name, kernel: release() };
    const report = { version: formatVersion, hwlocShare: version, ...host, sharingWorks: works, findings };
    process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
  } else {
    const paint = paintForStdout();
    const title = `hwloc-share ${manifest.version} on ${distribution.name}, Linux ${release()}`;
    process.stdout.write(
      `${paint(title, 'bold')}\n\n${formatFindings(findings, paint)}\n\n${verdict(findings, paint)}\n`,
    );
  }
  return works ? 0 : 1;
}

async function allFindings(
  { options, roots }: Call,
  distribution: Distribution,
  { lowestNode, command }: Awaited<ReturnType<typeof readManifest>>,
): Promise<Finding[]> {
  const settings = settingsFrom(environment());
  const [library, launchers] = await Promise.all([
    checkLibrary(distribution, options.libhwloc ?? settings.libhwloc),
    checkLaunchers(distribution),
  ]);
  const { length = 0, ranks } = library;
  const before = [
    checkNode(process.version, lowestNode),
    ...library.findings,
    ...settings.complaints.map((text): Finding => ({ subject: 'environment', level: 'warning', text })),
    ...launchers,
    checkPicture(distribution),
    ...checkPlaces(roots, length),
    ...checkLimits({ ranks, length }),
    ...checkChannels(roots),
  ];
  // Last, so that nothing else runs beside them.
  const test = await selfTest(command, options);
  return [...before, test, ...(test.level === 'ok' ? [await checkCodeCache(command)] : [])];
}
