// npm run test:roots -- RELEASE... [-- vitest's arguments]: runs `npm start` and `npm test` of a clean clone on fresh machines: in minimal
// Debian roots (bookworm, trixie, sid; `other` is the stable release that this machine has not). As root, on Debian. What is not
// committed is not tested. `--new` makes the roots again, `--keep` leaves the machine there that was tested.
// Exits with 1 if anything failed there, with 3 if a root could not be made or entered on this machine.
// `--user` runs npm test as a user who may not install packages: then no test may fail, but many are skipped.
import process from 'node:process';
import { parseArgs } from 'node:util';
import { ensurePackages, packagesFor } from './debian.mjs';
import { whyNotEnter } from './roots/enter.mjs';
import { machineRelease } from './roots/machine.mjs';
import { ensureRoot, releases } from './roots/make.mjs';
import { runInRoot } from './roots/run.mjs';
import { succeeded, summary } from './roots/summary.mjs';

/** Nothing can be tested here. */
class CannotTest extends Error {}

const words = process.argv.slice(2);
const end = words.includes('--') ? words.indexOf('--') : words.length;
try {
  const { values, positionals } = parseArgs({
    args: words.slice(0, end),
    options: { new: { type: 'boolean' }, keep: { type: 'boolean' }, user: { type: 'boolean' } },
    allowPositionals: true,
  });
  const wanted = positionals.map(releaseNamed);
  if (wanted.length === 0) throw new Error(`which releases? ${Object.keys(releases).join(', ')}, or other`);
  if (process.getuid() !== 0) throw new CannotTest('only root can make a minimal root and enter it');
  ensurePackages(packagesFor('roots'), { why: 'this' });
  const reason = whyNotEnter();
  if (reason !== undefined) throw new CannotTest(reason);

  const runs = [];
  for (const release of wanted) runs.push(await tested(release, values));
  process.stdout.write(summary(runs));
  process.exitCode = exitCodeOf(runs);
} catch (error) {
  process.stderr.write(`npm run test:roots: ${error.message}\n`);
  process.exitCode = error instanceof CannotTest ? 3 : 1;
}

/** 3: nothing failed, but a root could not be made here. */
function exitCodeOf(runs) {
  const made = runs.filter(({ started }) => started !== undefined);
  if (!made.every(succeeded)) return 1;
  return made.length < runs.length ? 3 : 0;
}

/** A root that cannot be made does not keep the others from being tested. */
async function tested(release, { new: anew, keep, user }) {
  try {
    const options = { keep: keep === true, tester: user === true ? 'user' : 'root' };
    return await runInRoot(release, ensureRoot(release, anew === true), words.slice(end + 1), options);
  } catch (error) {
    process.stderr.write(`${release}: ${error.message}\n`);
    return { release, failure: error.message.split('\n')[0] };
  }
}

function releaseNamed(name) {
  const release = name === 'other' ? (machineRelease() === 'bookworm' ? 'trixie' : 'bookworm') : name;
  if (!(release in releases))
    throw new Error(`unknown release ${name}: ${Object.keys(releases).join(', ')}, or other`);
  return release;
}
