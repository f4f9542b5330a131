// Child processes that run our code: src/hwloc, and what it imports, as JavaScript in a temporary folder, made anew from the sources.

import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import ts from 'typescript';

const projectRoot = join(dirname(fileURLToPath(import.meta.url)), '../../..');

interface RunOptions {
  readonly timeoutMs?: number;
  /** Variables beside those of this process. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface CompiledSources {
  /** Runs an ES module that may import `./hwloc/index.js`, and resolves to what it prints, as JSON. */
  run(source: string, words?: readonly string[], options?: RunOptions): Promise<unknown>;
  dispose(): void;
}

/** Strips the types of the sources, some 0.5 s. (dist may be built anew at any time.) */
export function compileSources(): CompiledSources {
  const folder = mkdtempSync(join(tmpdir(), 'hwloc-share-test-'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  symlinkSync(join(projectRoot, 'node_modules'), join(folder, 'node_modules'));
  const sources = join(projectRoot, 'src');
  for (const name of readdirSync(sources, { recursive: true, encoding: 'utf8' })) {
    if (!/^(hwloc|libc|check|environment|errors)\/.*\.ts$/.test(name)) continue;
    const { outputText } = ts.transpileModule(readFileSync(join(sources, name), 'utf8'), {
      compilerOptions: {
        target: ts.ScriptTarget.ES2022,
        module: ts.ModuleKind.ES2022,
        verbatimModuleSyntax: true,
      },
    });
    const target = join(folder, name.replace(/\.ts$/, '.js'));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, outputText);
  }
  let count = 0;
  return {
    async run(source, words = [], { timeoutMs = 25_000, env = {} } = {}) {
      const file = join(folder, `child-${++count}.mjs`);
      writeFileSync(file, source);
      const { stdout } = await execa(process.execPath, ['--expose-gc', file, ...words], {
        timeout: timeoutMs,
        env,
      });
      return JSON.parse(stdout) as unknown;
    },
    dispose: () => {
      rmSync(folder, { recursive: true });
    },
  };
}
