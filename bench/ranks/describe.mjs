// Loads the topology that the environment names, writes it as XML to the file given, and prints what it is as JSON.
import { writeFileSync } from 'node:fs';
import process from 'node:process';

const [module, xml] = process.argv.slice(2);
const { loadTopology } = await import(module);
const topology = await loadTopology();
writeFileSync(xml, topology.exportXml());
const objects = [...topology].length;
process.stdout.write(JSON.stringify({ pus: topology.count('PU'), objects, bytes: topology.sharedLength() }));
topology.close();
