// Runs all checks of the doctor, in order.

import { accessSync, constants } from 'node:fs';
import { release } from 'node:os';
import { environment, settingsFrom } from '../../../environment/index.js';
import { readManifest } from '../../manifest.js';
import type { Call } from '../command.js';
import { paintForStdout } from '../text.js';
import { type Channels, describeChannels } from './channels.js';
import { checkCodeCache, checkNode } from './node.js';
import { ownDistribution } from './distribution.js';
import { type Finding, formatFinding, verdict } from './finding.js';
import { describeJobs } from './jobs.js';
import { checkLaunchers, checkPicture } from './programs.js';
import { checkLimits } from './limits.js';
import { examineMachine } from './machine.js';
import { judgePlaces, silentPlace } from './places.js';
import { look } from './run-probe.js';
import { noSelfTest, selfTest } from './self-test.js';

/** The version of the JSON format. A reader should refuse a version that it does not know. */
const formatVersion = 1;

/** @returns 0 if sharing works here, 1 if not. */
export async function examine(call: Call, asJson: boolean): Promise<number> {
  leaveClosedDirectory();
  const manifest = await readManifest();
  const distribution = ownDistribution();
  const paint = paintForStdout();
  const findings: Finding[] = [];
  const print = (text: string) => {
    if (!asJson) process.stdout.write(`${text}\n`);
  };

  const report = (finding: Finding) => {
    findings.push(finding);
    // Printed at once: the next check may take a while.
    print(formatFinding(finding, paint));
  };

  const title = `hwloc-share ${manifest.version} on ${distribution.name}, Linux ${release()}`;
  print(`${paint(title, 'bold')}\n`);
  await lookAround(call, manifest, report);
  print(`\n${verdict(findings, paint)}`);

  const works = findings.every(({ level }) => level !== 'problem');
  if (asJson) {
    const { version } = manifest;
    const host = { distribution: distribution.name, kernel: release() };
    const report = { version: formatVersion, hwlocShare: version, ...host, sharingWorks: works, findings };
    process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
  }
  return works ? 0 : 1;
}

/**
 * Leaves a working directory that this user may not enter: no program can be started there.
 *
 * @throws Error  `ENOENT` of `uv_cwd`: the directory has been removed.
 */
function leaveClosedDirectory(): void {
  const directory = process.cwd();
  try {
    accessSync(directory, constants.X_OK);
  } catch {
    process.chdir('/');
  }
}

async function lookAround(
  { options, roots, complain }: Call,
  { lowestNode, command }: Awaited<ReturnType<typeof readManifest>>,
  report: (finding: Finding) => void,
): Promise<void> {
  const settings = settingsFrom(environment());
  const distribution = ownDistribution();
  report(checkNode(process.version, lowestNode));
  const asked = options.libhwloc ?? settings.libhwloc;
  const seconds = options.timeout ?? settings.timeout;
  const examination = examineMachine({ asked, seconds, report, complain });
  const launchers = checkLaunchers(distribution);
  const { length = 0, env } = await examination;
  for (const text of settings.complaints) report({ subject: 'environment', level: 'warning', text });
  (await launchers).forEach(report);
  report(checkPicture(distribution));
  (await checkPlaces(roots, length)).forEach(report);
  checkLimits(length).forEach(report);
  (await checkJobs()).forEach(report);
  const before = await channelsIn(roots);
  // Last, so that nothing else runs at the same time.
  const test = env === undefined ? noSelfTest : await selfTest(command, options, env);
  report(test);
  describeChannels(before, await channelsIn(roots)).forEach(report);
  if (test.level === 'ok') report(await checkCodeCache(command));
}

async function checkJobs(): Promise<readonly Finding[]> {
  const { result, why } = await look('jobs', process.pid);
  if (result !== undefined) return describeJobs(result);
  return [{ subject: 'job', level: 'warning', text: `the jobs that run here cannot be seen: ${why}` }];
}

async function checkPlaces(roots: readonly string[], length: number): Promise<readonly Finding[]> {
  const findings = await Promise.all(
    roots.map(async (root) => {
      const { result, why } = await look('place', { root, length });
      return result ?? silentPlace(root, why);
    }),
  );
  return judgePlaces(findings);
}

/** The channels; none if a file system does not answer, which another check has already found. */
async function channelsIn(roots: readonly string[]): Promise<Channels> {
  const { result } = await look('channels', roots);
  return result ?? { living: [], stale: [], unknown: [], kept: [] };
}
