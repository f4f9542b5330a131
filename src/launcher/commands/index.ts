// The table of the wrapper's own commands. To add a command, write a file like clean.ts, and add a row here.

import type { CommandTable } from './command.js';

/** The commands in the order of the help. Starting a job loads none of them. */
export const commands: CommandTable = {
  clean: async () => (await import('./clean.js')).clean,
  doctor: async () => (await import('./doctor.js')).doctor,
  show: async () => (await import('./show.js')).show,
  maps: async () => (await import('./maps.js')).maps,
  hold: async () => (await import('./hold.js')).hold,
  completion: async () => (await import('./completion.js')).completion,
};
