// Channels: those of jobs that run, and what dead jobs left.

import { readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { channelsIn } from '../../../channel/index.js';
import { bytes } from '../words.js';
import type { Finding } from './finding.js';

/** @param roots  Where channels of this user may be. */
export function checkChannels(roots: readonly string[]): readonly Finding[] {
  const subject = 'channels';
  const found = roots.flatMap((root) => (channelsIn(root) ?? []).map((channel) => ({ ...channel, root })));
  const living = found.filter(({ inUse }) => inUse === true).map(({ path }) => path);
  const strange = found.filter(({ inUse }) => inUse === undefined).map(({ path }) => path);
  const stale = found.filter(({ inUse }) => inUse === false);
  const facts = { living, stale: stale.map(({ path }) => path), unknown: strange };
  const findings: Finding[] = [];
  if (stale.length > 0) {
    const size = stale.reduce((sum, { path }) => sum + sizeOf(path), 0);
    const bases = [...new Set(stale.map(({ root }) => dirname(root)))];
    findings.push({
      subject,
      level: 'warning',
      text: `${stale.length} of a dead job, ${bytes(size)}: ${stale.map(({ path }) => path).join(', ')}; the next job removes it`,
      mend: bases.map((base) => `hwloc-share clean --dir ${base}`).join('; '),
      facts,
    });
  }
  if (strange.length > 0) {
    findings.push({
      subject,
      level: 'warning',
      text: `${strange.length} whose job cannot be seen from here (another container?): ${strange.join(', ')}`,
      facts,
    });
  }
  if (findings.length > 0) return findings;
  const text =
    living.length === 0
      ? 'no channels: no job is sharing now'
      : `${living.length} channel(s), of jobs that run`;
  return [{ subject, level: 'ok', text, facts }];
}

function sizeOf(path: string): number {
  try {
    return readdirSync(path).reduce((sum, name) => sum + statSync(join(path, name)).size, 0);
  } catch {
    return 0;
  }
}
