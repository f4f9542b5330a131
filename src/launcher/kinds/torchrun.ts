// torchrun, PyTorch's launcher: its --no-python starts any program.
// Variables: torch.distributed.run, "Environment Variables". It has one agent per node, which starts the ranks; they inherit everything
// from it. The agent is a Python program, known by having no such variables itself.

import { setterOf, startOf } from './ancestor.js';
import { count, text } from './count.js';
import type { LauncherKind } from './kind.js';

export const torchrun: LauncherKind = {
  name: 'torchrun',
  commands: ['torchrun'],
  // RANK and the like are names that anybody may use; the fifth is torchrun's own.
  variables: ['TORCHELASTIC_RUN_ID', 'LOCAL_RANK'],
  processes: [],

  identify(env, host) {
    const agent = setterOf('TORCHELASTIC_RUN_ID');
    // The run id is `none` unless the user chose one, and stays when all ranks are started again after a failure.
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
