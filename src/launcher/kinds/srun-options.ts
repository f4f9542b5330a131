// Which of srun's options take no value in a word of their own: by it one knows where the options end and the program begins.
// From srun(1), "OPTIONS", of Slurm 22.05; what later versions have is added as it becomes known.

const flags = new Set([
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
  'oversubscribe',
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
  'stepmgr',
  'test-only',
  'unbuffered',
  'usage',
  'use-min-nodes',
  'verbose',
  'version',
  'whole',
  'x11',
]);
const letters = 'EHIKOQVXZhklsuv';

/** Whether an option of srun stands alone: it takes no value, or has its value in the same word. */
export function isWithoutValue(word: string): boolean {
  if (word.startsWith('--')) {
    // As getopt_long(3) has it, the beginning of a name will do.
    const name = word.slice(2);
    return name.includes('=') || flags.has(name) || [...flags].some((flag) => flag.startsWith(name));
  }
  // `-lN 2`: letters without a value may stand together, and the first with one ends the word, or takes the next.
  const given = word.slice(1);
  const at = given.search(new RegExp(`[^${letters}]`));
  return at === -1 || at < given.length - 1 || /[IKk]/.test(word[1] ?? '');
}
