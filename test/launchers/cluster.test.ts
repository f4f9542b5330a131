// The hosts themselves: apart where hosts are, together where a network or a shared file system is, and gone when they are stopped.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runJob } from '../support/job.js';
import { type Cluster, processesLeftOn, startCluster } from './cluster.js';
import { onCluster } from './available.js';

onCluster().describe('a cluster of three hosts', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster(3);
  });
  afterAll(() => cluster.stop());

  const say = async (host: string, script: string) =>
    (await runJob(cluster.on(host, ['sh', '-c', script]))).stdout.trim();

  test('each has its name, its /tmp and its /dev/shm', async () => {
    expect(await say('h1', 'touch /tmp/one /dev/shm/one; hostname')).toBe('h1');
    expect(await say('h2', 'ls /tmp/one /dev/shm/one 2>/dev/null; hostname')).toBe('h2');
    expect(await say('h1', 'ls /tmp/one /dev/shm/one')).toBe('/dev/shm/one\n/tmp/one');
    expect(existsSync('/tmp/one') || existsSync('/dev/shm/one')).toBe(false);
  });

  test('one folder is the same on all, and so is the project', async () => {
    await say('h1', `echo word > ${cluster.folder}/file`);
    expect(await say('h3', `cat ${cluster.folder}/file; ls ${process.cwd()}/package.json`)).toMatch(
      /^word\n.*package\.json$/,
    );
  });

  test('they reach each other over the network, and nobody else', async () => {
    const connect = (host: string) => `bash -c 'cat < /dev/tcp/${host}/4711'`;
    const listen = "node -e \"require('net').createServer((s) => s.end('hello')).listen(4711)\" & ";
    expect(await say('h2', `${listen} sleep 1; ${rshOf()} h1 "${connect('h2')}"; kill $!`)).toBe('hello');
    expect(await say('h1', 'ip route | grep -c default')).toBe('0');
  });

  test('the agent leaves variables behind, as ssh does', async () => {
    expect(await say('h1', `LEFT=behind ${rshOf()} -x -o A=b root@h3 'echo $(hostname) [$LEFT]'`)).toBe(
      'h3 []',
    );
  });

  test('what runs on them, or was left on them, is seen', async () => {
    const folder = `hwloc-share-${process.getuid?.() ?? 0}`;
    await say('h2', `mkdir -p /dev/shm/${folder}/job; sleep 100 >/dev/null 2>&1 & echo $! >/tmp/pid`);
    expect(cluster.leftovers()).toEqual([`h2:/dev/shm/${folder}/job`]);
    expect(cluster.processes()).toHaveLength(1);
    await say('h2', `rm -r /dev/shm/${folder}; kill $(cat /tmp/pid)`);
    expect(cluster.leftovers()).toEqual([]);
    expect(await processesLeftOn(cluster)).toEqual([]);
  });

  test('stopping one leaves nothing, and another one alone', async () => {
    const other = await startCluster(2);
    const before = readdirSync('/proc').length;
    await runJob(other.on('h2', ['sh', '-c', 'for i in 1 2 3; do (sleep 100 >/dev/null 2>&1 &); done']));
    expect(other.processes()).toHaveLength(3);
    await other.stop();
    expect(other.processes()).toEqual([]);
    expect(existsSync(other.folder)).toBe(false);
    expect(readFileSync('/proc/mounts', 'utf8')).not.toContain(other.folder);
    expect(readdirSync('/proc').length).toBeLessThan(before + 20);
    expect(await say('h1', 'hostname')).toBe('h1');
  });

  const rshOf = () => cluster.rsh;
});
