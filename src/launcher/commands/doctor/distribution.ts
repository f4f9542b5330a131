// Which distribution this is, and how to install a package in it.

import { readFileSync } from 'node:fs';

/** The known package managers, and the distributions (ID or ID_LIKE in os-release) that use each. */
const managers = {
  apt: { install: 'apt-get install', ids: ['debian', 'ubuntu'] },
  dnf: { install: 'dnf install', ids: ['fedora', 'rhel', 'centos'] },
  zypper: { install: 'zypper install', ids: ['suse', 'opensuse', 'sles'] },
} as const;

/** The name of a package in each package manager. */
export type PackageNames = Readonly<Record<keyof typeof managers, string>>;

export interface Distribution {
  /** Its own name: `Debian GNU/Linux 12 (bookworm)`. */
  readonly name: string;
  /** The command that installs a package; undefined if the package manager is not known. */
  install(names: PackageNames): string | undefined;
}

/** @param text  The contents of os-release(5). */
export function distributionFrom(text: string): Distribution {
  const value = (name: string) =>
    new RegExp(`^${name}=(["']?)(.*)\\1$`, 'm').exec(text)?.[2]?.replace(/\\(.)/g, '$1');
  const ids = `${value('ID') ?? ''} ${value('ID_LIKE') ?? ''}`.split(' ');
  const manager = (Object.keys(managers) as (keyof typeof managers)[]).find((name) =>
    managers[name].ids.some((id) => ids.includes(id)),
  );
  return {
    name: value('PRETTY_NAME') ?? value('NAME') ?? 'Linux',
    install: (names) =>
      manager === undefined ? undefined : asRoot(`${managers[manager].install} ${names[manager]}`),
  };
}

/** The distribution of this machine. */
export function ownDistribution(): Distribution {
  for (const file of ['/etc/os-release', '/usr/lib/os-release']) {
    try {
      return distributionFrom(readFileSync(file, 'utf8'));
    } catch {
      // This file does not exist: try the next one.
    }
  }
  return distributionFrom('');
}

/** A command as this user must type it: with sudo, unless the user is root. */
export function asRoot(command: string): string {
  return process.geteuid?.() === 0 ? command : `sudo ${command}`;
}
