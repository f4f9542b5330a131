// Errors that a job does not catch: each rank prints the message and the stack, and no page of our code.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runJob } from '../support/job.js';
import { fixture } from '../support/shared-job.js';
import { distFile, wrapper } from '../support/wrapper.js';

describe('an uncaught error', () => {
  test.each([
    ['options', /^InvalidArgumentError: join\(\{ timeout: -1 \}\) is not allowed; /m],
    ['type', /^InvalidArgumentError: type 'core' is not allowed; /m],
    ['closed', /^TopologyClosedError: this topology was closed/m],
    ['load', /^HwlocError: hwloc_topology_set_synthetic: EINVAL: /m],
    ['rejection', /^InvalidArgumentError: join\(\{ hole: 'x' \}\) is not allowed; /m],
  ])(
    'of kind %s takes a few short lines, with the message and the place in the job',
    async (KIND, message) => {
      const command = wrapper('local', '-n', '1', process.execPath, fixture('uncaught.mjs'));
      const { exitCode, stderr } = await runJob(command, { env: { KIND } });
      expect(exitCode).toBe(1);
      expect(stderr).toMatch(message);
      expect(stderr).toMatch(/\n {4}at .*uncaught\.mjs:\d+/);
      const lines = stderr.split('\n');
      expect(lines.length, stderr).toBeLessThan(40);
      expect(Math.max(...lines.map((line) => line.length)), stderr).toBeLessThan(400);
    },
  );
});

test('the files that ranks load have short lines', () => {
  const folder = distFile('bundle');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (name) => /\.[cm]js$/.test(name) && !name.startsWith('launcher/'),
  );
  expect(files).toContain('core.cjs');
  for (const name of files) {
    const lengths = readFileSync(join(folder, name), 'utf8')
      .split('\n')
      .map((line) => line.length);
    expect(Math.max(...lengths), name).toBeLessThan(250);
  }
});
