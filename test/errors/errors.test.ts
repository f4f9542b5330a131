// What each of our errors tells: a code, what happened and why, what to do, and all of it in one line.
import { afterAll, describe, expect, test } from 'vitest';
import { HwlocShareError, codeOf, messageOf } from '../../src/errors/index.js';
import { HwlocError, TopologyClosedError, loadTopology } from '../../src/hwloc/index.js';
import { NotSharedError } from '../../src/rank/errors.js';

/** What a call throws. */
function errorOf(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

const topology = await loadTopology({ source: { synthetic: 'pack:1 core:2 pu:1' } });
afterAll(() => {
  topology.close();
});

const badDescriptor = () => {
  topology.writeTo({ fd: -1, offset: 0, address: 0, length: topology.sharedLength() });
};
const noXml = loadTopology({ source: { xml: 'no XML' } }).catch((error: unknown) => error);

describe('an error has a code, a reason and an advice, and a message with both', () => {
  test('after the topology was closed', async () => {
    const closed = await loadTopology({ source: { synthetic: 'pu:1' } });
    closed.close();
    const error = errorOf(() => closed.root);
    expect(error).toBeInstanceOf(TopologyClosedError);
    expect(error).toMatchObject({
      name: 'TopologyClosedError',
      code: 'HWLOC_SHARE_TOPOLOGY_CLOSED',
      reason: 'this topology was closed',
      advice: 'call close() only when you do not use it any more',
      message: 'this topology was closed; call close() only when you do not use it any more',
    });
  });

  test('from a function of libhwloc, with the name of the errno as its code', async () => {
    const error = await noXml;
    expect(error).toBeInstanceOf(HwlocError);
    expect(error).toMatchObject({ code: 'EINVAL', advice: expect.stringMatching(/\S/) as string });
    const { function: name, advice } = error as HwlocError;
    expect(error).toMatchObject({ reason: `${name}: EINVAL`, message: `${name}: EINVAL: ${String(advice)}` });
  });

  test('from an argument that is not allowed, where the reason says all', () => {
    const error = errorOf(badDescriptor);
    expect(error).toMatchObject({ code: 'HWLOC_SHARE_INVALID_ARGUMENT', advice: undefined });
    expect(error).toMatchObject({ reason: messageOf(error) });
  });

  test('from a join that could not share, with its cause', () => {
    const cause = new Error('why');
    const error = new NotSharedError('no room', { cause });
    expect(error).toMatchObject({ code: 'HWLOC_SHARE_NOT_SHARED', reason: 'no room', cause });
    expect(error.message).toBe(
      'the topology was not shared: no room; leave out --strict to go on with a private copy',
    );
  });
});

test('every error of ours is a HwlocShareError, and says one line', async () => {
  for (const error of [errorOf(badDescriptor), await noXml, new NotSharedError('no room')]) {
    expect(error).toBeInstanceOf(HwlocShareError);
    expect(messageOf(error)).not.toContain('\n');
    expect(codeOf(error)).toMatch(/^[A-Z_]+$/);
  }
});
