// Says which of srun's options take no value in the next word. This is needed to find where the options end
// and the program begins. From srun(1), "OPTIONS", of Slurm 22.05, and `srun --help` of 24.11 and 26.05.

const flags = new Set([
  'async',
  'bcast',
  'compress',
  'contiguous',
  'disable-status',
  'exact',
  'exclusive',
  'external-launcher',
  'help',
  'hold',
  'immediate',
  'interactive',
  'kill-on-bad-exit',
  'label',
  'multi-prog',
  'nice',
  'no-allocate',
  'no-kill',
  'overcommit',
  'overlap',
  'oom-kill-step',
  'oversubscribe',
  'parsable',
  'preserve-env',
  'propagate',
  'pty',
  'quiet',
  'quit-on-interrupt',
  'reboot',
  'resv-ports',
  'send-libs',
  'share',
  'spread-job',
  'spread-segments',
  'stepmgr',
  'test-only',
  'unbuffered',
  'usage',
  'use-min-nodes',
  'verbose',
  'version',
  'wait-for-children',
  'whole',
  'x11',
]);
const letters = 'EHIKOQVXZhklsuv';

/**
 * Whether the next word is not the value of an option: the option takes none, or has its value in the same
 * word.
 */
export function isWithoutValue(word: string): boolean {
  if (word.startsWith('--')) {
    // As in getopt_long(3), the beginning of a name is enough.
    const name = word.slice(2);
    // But --wait is an option of its own, and takes a value.
    if (name === 'wait') return false;
    return name.includes('=') || flags.has(name) || [...flags].some((flag) => flag.startsWith(name));
  }
  // `-lN 2`: letters without a value may be joined. The first letter with a value ends the word, or takes the
  // next one.
  const given = word.slice(1);
  const at = given.search(new RegExp(`[^${letters}]`));
  return at === -1 || at < given.length - 1 || /[IKk]/.test(word[1] ?? '');
}
