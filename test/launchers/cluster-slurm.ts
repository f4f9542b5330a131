// Slurm on the hosts of a cluster: slurmctld on h1, a slurmd on each. Everything of it ends with the cluster.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { boundToUs, findCommand } from '../support/commands.js';
import type { Cluster } from './cluster.js';

const startLimitMs = 20_000;
/** Nodes of more cores than the machine has (config_overrides), so that many ranks may run at once. */
const cores = 16;

/** Starts it, and resolves to what srun and the like need in their environment when all nodes take jobs. */
export async function startSlurmOn(cluster: Cluster): Promise<Record<string, string>> {
  const configuration = join(cluster.folder, 'slurm.conf');
  writeFileSync(configuration, slurmConf(cluster.hosts));
  const env = { SLURM_CONF: configuration };

  const daemons: [name: string, process: ChildProcess][] = [];
  const start = (host: string, name: string, ...args: string[]) => {
    const log = openSync(join(cluster.folder, `${name}.${host}.log`), 'a', 0o600);
    // In /tmp of the host, which no other host sees.
    const script = 'mkdir -p /tmp/slurm && exec "$0" -D -f "$@"';
    const words = cluster.on(host, ['sh', '-c', script, findCommand(name) ?? name, configuration, ...args]);
    const child = spawn(...boundToUs(findCommand(words[0] ?? '') ?? '', words.slice(1)), {
      cwd: '/',
      env: { PATH: process.env.PATH, LANG: 'C.UTF-8' },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    daemons.push([`${name}.${host}`, child]);
  };
  start('h1', 'slurmctld', '-c');
  for (const host of cluster.hosts) start(host, 'slurmd');

  const limit = performance.now() + startLimitMs;
  while (!(await allIdle(cluster, env))) {
    const dead = daemons.find(([, child]) => child.exitCode !== null || child.signalCode !== null);
    if (dead !== undefined || performance.now() > limit) {
      const logs = daemons.map(
        ([name]) => `--- ${name}\n${readFileSync(join(cluster.folder, `${name}.log`), 'utf8').slice(-2000)}`,
      );
      throw new Error(`Slurm did not start on the hosts: ${dead?.[0] ?? 'time over'}\n${logs.join('\n')}`);
    }
    await sleep(50);
  }
  cluster.settle();
  return env;
}

async function allIdle(cluster: Cluster, env: Record<string, string>): Promise<boolean> {
  const [file = '', ...args] = cluster.on('h1', ['sinfo', '-h', '-N', '-o', '%t']);
  const { stdout } = await execa(file, args, { env, timeout: 5_000, reject: false });
  const states = stdout.split('\n');
  return states.length === cluster.hosts.length && states.every((state) => state === 'idle');
}

// auth/none: the hosts are alone in their network. (The Slurm of one node, in slurm.ts, has munge.)
function slurmConf(hosts: readonly string[]): string {
  return `ClusterName=hosts
SlurmctldHost=h1
SlurmUser=root
SlurmdUser=root
AuthType=auth/none
CredType=cred/none
StateSaveLocation=/tmp/slurm/state
SlurmdSpoolDir=/tmp/slurm/spool
SlurmctldPidFile=/tmp/slurm/slurmctld.pid
SlurmdPidFile=/tmp/slurm/slurmd.pid
MailProg=/bin/true
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
JobCompType=jobcomp/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/builtin
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
KillWait=2
PropagateResourceLimits=NONE
SlurmdParameters=config_overrides
NodeName=${hosts.join(',')} CPUs=${cores} Boards=1 SocketsPerBoard=1 CoresPerSocket=${cores} ThreadsPerCore=1 RealMemory=2000 State=UNKNOWN
PartitionName=hosts Nodes=ALL Default=YES MaxTime=INFINITE State=UP OverSubscribe=YES:64
`;
}
