// What is found by an import that cannot work: a module that says which one does. Node's own words would not.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const bare =
  "hwloc-share: nothing has this name alone; import { join } from 'hwloc-share/rank', import topology from 'hwloc-share/auto', " +
  "or import { loadTopology } from 'hwloc-share/hwloc'";

const required =
  "hwloc-share: hwloc-share/auto joins while it is imported, and require() cannot wait for that; use await import('hwloc-share/auto'), " +
  "node --import hwloc-share/auto, or join() of require('hwloc-share/rank')";

/**
 * @param {string} outDir  Where the compiled files are.
 * @param {readonly string[]} names  All that can be imported from anywhere: with a name that is missing, Node would complain of that first.
 */
export function writeWrongDoors(outDir, names) {
  const refuse = (message) =>
    `throw Object.assign(new Error(\n${JSON.stringify(message)}\n), { code: 'HWLOC_SHARE_WRONG_IMPORT' });\n`;
  const write = (file, text) => {
    writeFileSync(join(outDir, 'bundle', file), text);
  };
  write('index.mjs', `${refuse(bare)}export default undefined;\nexport let\n  ${names.join(',\n  ')};\n`);
  write('rank/auto.cjs', refuse(required));
  // For TypeScript, too, there is nothing in them.
  write('index.d.mts', `/** ${bare} */\nexport {};\n`);
  write('rank/auto.d.cts', `/** ${required} */\nexport {};\n`);
}
