// Imports what it is given, or nothing, and prints the CPU that the process has taken by then, in µs.
import process from 'node:process';

const [module] = process.argv.slice(2);
if (module !== undefined) await import(module);
const { user, system } = process.cpuUsage();
process.stdout.write(String(user + system));
