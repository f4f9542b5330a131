// What is said at the end of a run in minimal roots: what failed and what was skipped, a line for each root, and the versions.
import { row, versionTitles } from './versions.mjs';

/** Whether all went well. */
export function succeeded({ started, tested }) {
  return started?.status === 0 && tested?.status === 0;
}

/** All of it, as text. */
export function summary(runs) {
  const parts = [
    ...runs.flatMap(({ release, results }) => [
      ...listed(`${release}: failed`, results, ['failed']),
      ...listed(`${release}: skipped`, results, ['pending', 'skipped', 'todo', 'disabled']),
    ]),
    table(
      ['', 'npm start', 'npm test', 'passed', 'failed', 'skipped', 'minutes'],
      runs.map(({ release, failure, started, tested, results }) => [
        release,
        failure ?? verdict(started),
        verdict(tested),
        ...counts(results),
        minutes(started, tested),
      ]),
    ),
    'For README.md:',
    table(
      versionTitles,
      runs.flatMap(({ versions }) => (versions === undefined ? [] : [versions])),
    ),
  ];
  return `\n${parts.join('\n\n')}\n`;
}

/** As in Markdown, so that it can be pasted. */
function table(head, rows) {
  return [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n');
}

function verdict(step) {
  if (step === undefined) return 'not run';
  return step.status === 0 ? 'passed' : `failed (${step.status})`;
}

function counts(results) {
  if (results === undefined) return ['?', '?', '?'];
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = results;
  return [numPassedTests, numFailedTests, numPendingTests + numTodoTests];
}

function minutes(...steps) {
  return steps.reduce((sum, step) => sum + (step?.minutes ?? 0), 0).toFixed(1);
}

/** The tests that ended in one of these ways, by file; and files that did not even load. */
function listed(title, results, statuses) {
  const files = (results?.testResults ?? []).map(({ name, status, message, assertionResults }) => {
    const file = name.replace(/^.*\/hwloc-share\//, '');
    const tests = assertionResults
      .filter((test) => statuses.includes(test.status))
      .map(({ fullName }) => fullName);
    const broken = statuses.includes(status) && assertionResults.length === 0 ? [message.split('\n')[0]] : [];
    return [...tests, ...broken].map((test) => `  ${file} > ${test}`);
  });
  const lines = files.flat();
  return lines.length === 0 ? [] : [`${title} (${lines.length}):\n${lines.join('\n')}`];
}
