// Which of srun's options take no value in a word of their own: by it one knows where the options end and the program begins.
// From srun(1), "OPTIONS", of Slurm 22.05, and `srun --help` of 24.11 and 26.05.

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

/** Whether an option of srun stands alone: it takes no value, or has its value in the same word. */
export function isWithoutValue(word: string): boolean {
  if (word.startsWith('--')) {
    // As getopt_long(3) has it, the beginning of a name will do.
    const name = word.slice(2);
    // But --wait is an option by itself, and takes a value.
    if (name === 'wait') return false;
    return name.includes('=') || flags.has(name) || [...flags].some((flag) => flag.startsWith(name));
  }
  // `-lN 2`: letters without a value may stand together, and the first with one ends the word, or takes the next.
  const given = word.slice(1);
  const at = given.search(new RegExp(`[^${letters}]`));
  return at === -1 || at < given.length - 1 || /[IKk]/.test(word[1] ?? '');
}
