// torchrun, PyTorch's launcher. Its --no-python starts any program. Variables: torch.distributed.run,
// "Environment Variables". It has one agent for each node, which starts the ranks; they inherit all its
// variables. The agent is a Python program. It is recognised because it does not have these variables itself.

import { setterOf, startOf } from './ancestor.js';
import { count, text } from './count.js';
import type { LauncherKind } from './kind.js';

export const torchrun: LauncherKind = {
  name: 'torchrun',
  commands: ['torchrun'],
  // Any program may use names like RANK; the fifth is torchrun's own.
  variables: ['TORCHELASTIC_RUN_ID', 'LOCAL_RANK'],
  processes: [],

  identify(env, host) {
    const agent = setterOf('TORCHELASTIC_RUN_ID');
    // The run id is `none` unless the user chose one, and stays the same when all ranks are restarted after a
    // failure.
    const run = `${text(env, 'TORCHELASTIC_RUN_ID')}.${env.TORCHELASTIC_RESTART_COUNT ?? '0'}`;
    return {
      launcher: 'torchrun',
      rank: count(env, 'RANK'),
      size: count(env, 'WORLD_SIZE'),
      localRank: count(env, 'LOCAL_RANK'),
      localSize: count(env, 'LOCAL_WORLD_SIZE'),
      node: host,
      step: `torchrun-${run}-${agent}-${startOf(agent)}@${host}`,
      isNamedByProcess: true,
    };
  },
};
