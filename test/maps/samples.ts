// Texts of /proc/<pid>/maps as kernels print them, written for these tests.

/** One line, padded as the kernel pads it: the path starts in column 73. */
export function line(
  range: string,
  path = '',
  permissions = 'r--p',
  inode = path.startsWith('/') ? 1311 : 0,
): string {
  const device = inode === 0 ? '00:00' : 'fd:01';
  const fields = `${range} ${permissions} 00000000 ${device} ${inode} `;
  return path === '' ? `${fields}\n` : `${fields.padEnd(73)}${path}\n`;
}

/** A PIE program on x86-64 with its heap, two libraries, a file in shared memory, and the kernel's own pages. */
export const program = `\
558a3c400000-558a3c402000 r--p 00000000 fd:01 1310901                    /usr/bin/node
558a3c402000-558a3f000000 r-xp 00002000 fd:01 1310901                    /usr/bin/node
558a3f000000-558a3f010000 rw-p 02c00000 fd:01 1310901                    /usr/bin/node
558a40a51000-558a40b00000 rw-p 00000000 00:00 0                          [heap]
558a40b00000-558a40b72000 rw-p 00000000 00:00 0                          [heap]
7f1e20000000-7f1e20021000 rw-p 00000000 00:00 0 
7f1e20021000-7f1e24000000 ---p 00000000 00:00 0 
7f1e2a000000-7f1e2a200000 rw-s 00000000 00:1a 42                         /dev/shm/old topology (deleted)
7f1e2b400000-7f1e2b428000 r--p 00000000 fd:01 1311520                    /usr/lib/x86_64-linux-gnu/libc.so.6
7f1e2b428000-7f1e2b5bd000 r-xp 00028000 fd:01 1311520                    /usr/lib/x86_64-linux-gnu/libc.so.6
7f1e2b700000-7f1e2bf00000 rw-p 00000000 00:00 0                          [stack:4711]
7ffd5c6e3000-7ffd5c704000 rw-p 00000000 00:00 0                          [stack]
7ffd5c7c2000-7ffd5c7c6000 r--p 00000000 00:00 0                          [vvar]
7ffd5c7c6000-7ffd5c7c8000 r-xp 00000000 00:00 0                          [vdso]
ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]
`;

/**
 * A program on a machine with 5-level page tables. What the kernel places by itself lies below 2^47, as with 4 levels
 * (Documentation/arch/x86/x86_64/5level-paging.rst); what the program asked for by its address lies above: across 2^47, around 2^48 and
 * 2^53 (where the doubles grow coarse), and up to 2^56 less one page, where all user addresses end.
 */
export const fiveLevels = `\
555555554000-555555558000 r-xp 00000000 fd:01 1310901                    /opt/solver/bin/solver
555555558000-555555579000 rw-p 00000000 00:00 0                          [heap]
7ffff7c00000-7ffff7c28000 r--p 00000000 fd:01 1311520                    /usr/lib/x86_64-linux-gnu/libc.so.6
7ffff7fc1000-7ffff7fc5000 r--p 00000000 00:00 0                          [vvar]
7ffff7fc5000-7ffff7fc7000 r-xp 00000000 00:00 0                          [vdso]
7ffffffde000-7fffffffe000 rw-p 00000000 00:00 0                          [stack]
7fffffffe000-800000001000 rw-p 00000000 00:00 0 
ffffffffe000-1000000001000 rw-s 00000000 00:1a 42                        /dev/shm/field
1ffffffffff000-20000000001000 rw-p 00000000 00:00 0 
20000000002000-20000000003000 rw-p 00000000 00:00 0 
ff000000000000-fffffffffff000 ---p 00000000 00:00 0 
ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]
`;
