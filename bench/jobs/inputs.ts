// The machines that jobs are measured on: this one, snapshots and XML files of others, synthetic ones.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { removeScratch, scratchFolder } from '../support/scratch.js';
import type { Product } from './product.js';

/** A machine that is ready to be loaded. */
export interface Input {
  readonly name: string;
  readonly kind: Kind;
  readonly pus: number;
  readonly objects: number;
  /** Of the shared topology. */
  readonly bytes: number;
  /** What makes libhwloc read it. */
  readonly env: Readonly<Record<string, string>>;
  /** What makes libhwloc read the same from XML, as Flux and MPICH have their ranks do it. */
  readonly xmlEnv: Readonly<Record<string, string>>;
}

type Kind = 'this machine' | 'snapshot' | 'xml' | 'synthetic';

/** Synthetic machines by their number of PUs. */
const synthetic: Readonly<Record<string, string>> = {
  2: 'pack:1 core:2 pu:1',
  64: 'pack:1 [numa] l3:4 l2:8 l1:1 core:1 pu:2',
  512: 'pack:2 [numa] l3:8 l2:16 l1:1 core:1 pu:2',
  4096: 'pack:4 [numa] l3:16 l2:16 l1:1 core:1 pu:4',
  16384: 'pack:8 [numa] l3:16 l2:32 l1:1 core:1 pu:4',
};

/** Where inputs come from, and what was unpacked for them. */
export class Inputs {
  readonly #product: Product;
  readonly #machines: string;
  readonly #folder = scratchFolder();
  readonly #known = new Map<string, Input>();

  /** @param machines  The folder of recorded machines: `sysfs/*.tar.bz2` and `xml/*.xml`. */
  constructor(product: Product, machines: string) {
    this.#product = product;
    this.#machines = machines;
  }

  /**
   * An input by its name: `this`, a number of PUs, the beginning of a recorded machine's name, or the path of an archive of
   * sysfs or of an XML file.
   *
   * @returns undefined where nothing is called so.
   */
  find(name: string): Input | undefined {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const source = this.#source(name);
    const input = source && this.#prepare(source);
    if (input !== undefined) this.#known.set(name, input);
    return input;
  }

  dispose(): void {
    removeScratch(this.#folder);
  }

  #source(name: string): Source | undefined {
    if (name === 'this') return { name: 'this machine', kind: 'this machine', env: {} };
    const description = synthetic[name];
    if (description !== undefined)
      return { name: `synthetic ${name} PUs`, kind: 'synthetic', env: { HWLOC_SYNTHETIC: description } };
    const path = existsSync(name) ? name : this.#recorded(name);
    if (path === undefined) return undefined;
    if (path.endsWith('.xml'))
      return { name: basename(path, '.xml'), kind: 'xml', env: { HWLOC_XMLFILE: path } };
    return { name: basename(path).replace(/\.tar(\.\w+)?$/, ''), kind: 'snapshot', env: this.#unpack(path) };
  }

  #recorded(name: string): string | undefined {
    for (const kind of ['sysfs', 'xml']) {
      const folder = join(this.#machines, kind);
      const found = existsSync(folder) && readdirSync(folder).find((file) => file.startsWith(name));
      if (found) return join(folder, found);
    }
    return undefined;
  }

  #unpack(archive: string): Record<string, string> {
    const root = mkdtempSync(join(this.#folder, 'sysfs-'));
    execFileSync('tar', ['-xf', archive, '-C', root]);
    const [only = ''] = readdirSync(root);
    // Without the x86 component: it would ask the CPUs of the machine at hand.
    return { HWLOC_FSROOT: join(root, only), HWLOC_COMPONENTS: 'linux,stop' };
  }

  #prepare({ name, kind, env }: Source): Input {
    const xml = join(this.#folder, `${this.#known.size}.xml`);
    const words = [join(this.#product.bench, 'ranks/describe.mjs'), this.#product.module('hwloc'), xml];
    const text = execFileSync(process.execPath, words, { env: { ...process.env, ...env }, encoding: 'utf8' });
    const { pus, objects, bytes } = JSON.parse(text) as Pick<Input, 'pus' | 'objects' | 'bytes'>;
    return { name, kind, pus, objects, bytes, env, xmlEnv: { HWLOC_XMLFILE: xml, HWLOC_THISSYSTEM: '1' } };
  }
}

type Source = Pick<Input, 'name' | 'kind' | 'env'>;
