// Finds what jobs have left in the roots: before the self-test and after it, since the self-test sweeps like
// every job.

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { channelsIn } from '../../../channel/index.js';
import { type KeptChannel, isKeptPath, keptIn } from '../../../kept/index.js';
import { describeKept } from '../hold/hold.js';
import { bytes } from '../text.js';
import type { Finding } from './finding.js';

/** The channels in the roots, by whether their job is alive, which may be unknown. */
export interface Channels {
  readonly living: readonly string[];
  readonly stale: readonly { readonly path: string; readonly bytes: number }[];
  readonly unknown: readonly string[];
  /** Channels that keep topologies from step to step. */
  readonly kept: readonly KeptChannel[];
}

/** @param roots  Where channels of this user may be. */
export function foundIn(roots: readonly string[]): Channels {
  const found = roots.flatMap((root) => channelsIn(root) ?? []);
  const isKept = ({ path, inUse }: (typeof found)[number]) => inUse === true && isKeptPath(path);
  const pathsOf = (life: boolean | undefined) =>
    found.flatMap((each) => (each.inUse === life && !isKept(each) ? [each.path] : []));
  return {
    living: pathsOf(true),
    stale: pathsOf(false).map((path) => ({ path, bytes: sizeOf(path) })),
    unknown: pathsOf(undefined),
    kept: found.filter(isKept).map(({ path }) => keptIn(path)),
  };
}

/**
 * @param before  The channels before the self-test.
 * @param after   The channels after it.
 */
export function describeChannels(before: Channels, after: Channels): readonly Finding[] {
  const kept = after.kept.map((channel): Finding => {
    const { path, holders, topologies } = channel;
    const since = topologies.map((each) => new Date(each.since).toISOString());
    return {
      subject: 'kept',
      level: 'ok',
      text: `kept: ${describeKept(channel)}`,
      facts: { path, holders, since },
    };
  });
  return [...kept, ...describeJobs(before, after)];
}

function describeJobs(before: Channels, after: Channels): readonly Finding[] {
  const subject = 'channels';
  const left = after.stale.map(({ path }) => path);
  const removed = before.stale.filter(({ path }) => !left.includes(path));
  const facts = {
    living: after.living,
    stale: left,
    unknown: after.unknown,
    removed: removed.map(({ path }) => path),
  };
  const size = (of: Channels['stale']) => bytes(of.reduce((sum, each) => sum + each.bytes, 0));
  const findings: Finding[] = [];
  if (left.length > 0) {
    const text = `${left.length} of dead jobs, ${size(after.stale)}, cannot be removed: ${left.join(', ')}`;
    findings.push({ subject, level: 'warning', text, facts });
  }
  if (after.unknown.length > 0) {
    const text = `${after.unknown.length} whose job cannot be seen from here (another container?): ${after.unknown.join(', ')}`;
    findings.push({ subject, level: 'warning', text, facts });
  }
  if (removed.length > 0) {
    const text = `${removed.length} of dead jobs, ${size(removed)}, removed by the self-test, as by any job: ${facts.removed.join(', ')}`;
    findings.push({ subject, level: 'ok', text, facts });
  }
  if (findings.length > 0) return findings;
  const text =
    after.living.length === 0 ? 'nothing is left of dead jobs' : `${after.living.length}, of jobs that run`;
  return [{ subject, level: 'ok', text: `channels: ${text}`, facts }];
}

function sizeOf(path: string): number {
  try {
    return readdirSync(path).reduce((sum, name) => sum + statSync(join(path, name)).size, 0);
  } catch {
    return 0;
  }
}
