// Checks the roots: whether ranks can use them, what file system they are on, and how much space it has.

import { accessSync, constants, readFileSync, statSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { codeOf } from '../../../errors/index.js';
import { refusalOf } from '../../../channel/place/index.js';
import { asRoot } from './distribution.js';
import { bytes, shellWord } from '../text.js';
import type { Finding } from './finding.js';

/** File systems that other nodes share, or that are slow to map. Jobs run well on them, but not as fast. */
const remote = /^(nfs|lustre|gpfs|beegfs|ceph|cifs|smb|panfs|glusterfs|orangefs|pvfs2|afs|fuse\.)/;

/** The kernel's data about the file system of a path. @see proc(5), /proc/pid/mountinfo */
export interface Mount {
  readonly point: string;
  readonly type: string;
  /** The options of the mount and of the file system: `rw,nosuid,size=1024k`. */
  readonly options: string;
}

/** A directory whose file system does not answer in time. */
export function silentPlace(root: string, why: string): Finding {
  const base = dirname(root);
  const text = `${base}: ${why}; a file system that does not respond?`;
  return { subject: 'place', level: 'warning', text, facts: { directory: base, usable: false } };
}

/**
 * Sets the levels of the findings on all directories: a fault is a problem only if no directory can be used.
 */
export function judgePlaces(findings: readonly Finding[]): readonly Finding[] {
  if (findings.some(({ level, facts }) => level === 'ok' || facts?.usable === true)) return findings;
  // One unusable directory is worth a warning. If no directory can be used, ranks cannot share.
  return findings.map((finding) => ({ ...finding, level: 'problem' }));
}

/**
 * Checks one directory.
 *
 * @param root    `BASE/hwloc-share-UID`.
 * @param length  Bytes of a topology of this machine; 0 if it is not known.
 */
export function checkPlace(root: string, length: number): Finding {
  const base = dirname(root);
  const subject = 'place';
  const unusable = (text: string, mend?: string, facts: object = {}): Finding => {
    const command = mend === undefined ? {} : { mend };
    return {
      subject,
      level: 'warning',
      text,
      ...command,
      facts: { directory: base, usable: false, ...facts },
    };
  };
  try {
    if (!statSync(base).isDirectory()) return unusable(`${base} is not a directory`);
    accessSync(base, constants.W_OK | constants.X_OK);
  } catch (error) {
    return unusable(...whyNot(base, codeOf(error)));
  }
  const refusal = refusalOf(root);
  if (refusal !== undefined) return unusable(refusal.message, remedies[refusal.remedy]?.(root));

  const { bsize, blocks, bavail, files, ffree } = statfsSync(base);
  const mount = mountOf(base);
  const free = bavail * bsize;
  const facts = {
    ...(mount === undefined
      ? {}
      : { fileSystem: mount.type, mountPoint: mount.point, options: mount.options }),
    bytes: blocks * bsize,
    free,
    // A file system without a limit of files reports 0 of 0.
    filesFree: files === 0 ? null : ffree,
  };
  const where = `${base}: ${mount?.type ?? 'unknown file system'}, ${bytes(free)} free of ${bytes(blocks * bsize)}, ${mount?.options ?? ''}`;
  if (free < length) {
    return unusable(
      `${where}; a topology takes ${bytes(length)}`,
      more(base, mount, blocks * bsize, length),
      facts,
    );
  }
  if (files > 0 && ffree < 16) {
    return unusable(`${where}; ${ffree} of ${files} files are free`, moreFiles(mount, files), facts);
  }
  if (mount !== undefined && remote.test(mount.type)) {
    return {
      subject,
      level: 'warning',
      text: `${where}; a topology on ${mount.type} is slower to write and to map than one in memory`,
      mend: 'unset HWLOC_SHARE_DIR',
      facts: { directory: base, usable: true, ...facts },
    };
  }
  return { subject, level: 'ok', text: where, facts: { directory: base, usable: true, ...facts } };
}

const remedies = {
  remove: (path: string) => `rm ${shellWord(path)}`,
  close: (path: string) => `chmod 700 ${shellWord(path)}`,
  none: undefined,
};

function whyNot(base: string, code: string | undefined): [text: string, mend: string | undefined] {
  switch (code) {
    case 'ENOENT':
      return [
        `${base} is not there`,
        base === '/dev/shm'
          ? asRoot("sh -c 'mkdir -p /dev/shm && mount -t tmpfs -o mode=1777 tmpfs /dev/shm'")
          : `mkdir -m 700 -p ${shellWord(base)}`,
      ];
    case 'EROFS':
      return [
        `${base} is on a read-only file system`,
        asRoot(`mount -o remount,rw ${mountOf(base)?.point ?? base}`),
      ];
    case 'EACCES':
      return [
        `${base} cannot be written to by this user`,
        base === '/dev/shm' ? asRoot('chmod 1777 /dev/shm') : undefined,
      ];
    default:
      return [`${base} cannot be used: ${code ?? 'unknown error'}`, undefined];
  }
}

/** The command that makes space. */
function more(base: string, mount: Mount | undefined, size: number, length: number): string {
  if (mount?.type === 'tmpfs' && size < 64 * length) {
    const mebibytes = Math.max(64, 2 ** Math.ceil(Math.log2((64 * length) / 2 ** 20)));
    return asRoot(`mount -o remount,size=${mebibytes}M ${mount.point}`);
  }
  return `du -xsh ${shellWord(base)}/* | sort -h   # and remove what is not needed`;
}

function moreFiles(mount: Mount | undefined, files: number): string | undefined {
  return mount?.type === 'tmpfs'
    ? asRoot(`mount -o remount,nr_inodes=${Math.max(4096, 2 * files)} ${mount.point}`)
    : undefined;
}

/** The mount that a directory is on: the last one with the longest mount point above the directory. */
export function mountOf(
  path: string,
  text = readFileSync('/proc/self/mountinfo', 'utf8'),
): Mount | undefined {
  let best: Mount | undefined;
  for (const line of text.split('\n')) {
    const [left = '', right = ''] = line.split(' - ');
    const [, , , , point = '', options = ''] = left.split(' ');
    const [type = '', , superOptions = ''] = right.split(' ');
    if (point === '' || type === '') continue;
    const place = point.replace(/\\([0-7]{3})/g, (_, octal: string) =>
      String.fromCharCode(parseInt(octal, 8)),
    );
    const covers = place === path || path.startsWith(place === '/' ? '/' : `${place}/`);
    if (covers && place.length >= (best?.point.length ?? 0)) {
      const all = new Set(
        [...options.split(','), ...superOptions.split(',')].filter((option) => option !== ''),
      );
      best = { point: place, type, options: [...all].join(',') };
    }
  }
  return best;
}
