// lstopo, which draws for `hwloc-share show --picture`. Sharing does not need it.

import { environment } from '../../../environment/index.js';
import { executable } from '../../kinds/index.js';
import type { Distribution } from './distribution.js';
import type { Finding } from './finding.js';

export function checkPicture(distribution: Distribution): Finding {
  const subject = 'lstopo';
  const file = ['lstopo', 'lstopo-no-graphics']
    .map((name) => executable(name, environment().PATH ?? ''))
    .find((found) => found !== undefined);
  if (file !== undefined) return { subject, level: 'ok', text: `lstopo: ${file}`, facts: { file } };
  const mend = distribution.install({ apt: 'hwloc', dnf: 'hwloc-gui', zypper: 'hwloc' });
  return {
    subject,
    level: 'ok',
    text: 'lstopo is not installed; only show --picture needs it',
    ...(mend === undefined ? {} : { mend }),
    facts: { file: null },
  };
}
