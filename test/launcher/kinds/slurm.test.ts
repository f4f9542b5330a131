// SLURM_STEP_TASKS_PER_NODE, against the list that it stands for.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { IdentityError } from '../../../src/launcher/kinds/index.js';
import { tasksOnNode } from '../../../src/launcher/kinds/slurm.js';

test.each([
  ['4', [4]],
  ['2(x3),1', [2, 2, 2, 1]],
  ['7,1(x2)', [7, 1, 1]],
  ['1(x1),16(x2),3', [1, 16, 16, 3]],
])('%s is %j', (layout, expected) => {
  expect(expected.map((_, node) => tasksOnNode(layout, node))).toEqual(expected);
});

test('any layout says for each node what its expansion says, and no more nodes', () => {
  const part = fc.record({
    tasks: fc.integer({ min: 1, max: 999 }),
    times: fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined }),
  });
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 8 }), (parts) => {
      const layout = parts
        .map(({ tasks, times }) => (times === undefined ? `${tasks}` : `${tasks}(x${times})`))
        .join(',');
      const expanded = parts.flatMap(({ tasks, times = 1 }) => Array<number>(times).fill(tasks));
      expect(expanded.map((_, node) => tasksOnNode(layout, node))).toEqual(expanded);
      expect(() => tasksOnNode(layout, expanded.length)).toThrow(IdentityError);
    }),
  );
});

test.each(['', 'x', '2(3)', '2(x)', '2x3', '-1', '2,,1', '2(x3) ,1'])(
  '%j is no layout for the node after it',
  (layout) => {
    expect(() => tasksOnNode(layout, 3)).toThrow(`SLURM_STEP_TASKS_PER_NODE=${layout}: the tasks of node 3`);
  },
);

test('a layout of a million nodes is not expanded', () => {
  expect(tasksOnNode('1(x999999999),5', 999_999_999)).toBe(5);
});
