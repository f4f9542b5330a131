// A load that does not end: it is told, the machine is discovered without plugins, and the process can end.
import { afterAll, expect } from 'vitest';
import { endlessPlugin, forPlugins } from '../support/endless.js';
import { installed } from '../support/programs.js';
import { compileSources } from './support/child.js';

const sources = compileSources();
afterAll(() => {
  sources.dispose();
});

const needed = installed(...forPlugins);
const plugins =
  needed.missing === undefined ? { own: endlessPlugin(), disguised: endlessPlugin('other') } : undefined;

/** The beginning of each child: what is told, and the plugin. `report` prints a value as JSON, last of all. */
const begin = (folder: string, seconds = '') => `
  process.env.HWLOC_PLUGINS_PATH = ${JSON.stringify(folder)};
  if (${JSON.stringify(seconds)} !== '') process.env.ENDLESS_SECONDS = ${JSON.stringify(seconds)};
  const { loadTopology, loadWithin, loadedPlugins } = await import('./hwloc/index.js');
  const told = [];
  const tell = (text) => told.push(text);
  const report = (value) => process.stdout.write(JSON.stringify(value));
`;

needed.test(
  'the machine is discovered without the plugin, a line names it, and the process ends',
  async () => {
    const found = await sources.run(`${begin(plugins?.own ?? '')}
    const order = [];
    process.on('exit', () => order.push('before'));
    const topology = await loadWithin({}, { seconds: 0.3 }, tell);
    const pus = topology.count('PU');
    topology.close();
    // Later loads are without it from the start.
    for (const each of [await loadWithin({}, { seconds: 20 }, tell), await loadWithin({ io: 'all' }, { seconds: 20 }, tell)]) {
      each.close();
    }
    // Whoever wants to know of the end is told, as at any end.
    process.on('exit', (code) => report({ pus, told, order: [...order, 'after'], code }));
  `);
    expect(found).toEqual({
      pus: expect.any(Number) as number,
      told: [
        'hwloc has not discovered this machine within 0.3 s (HWLOC_SHARE_TIMEOUT); discovering it again without its plugins ' +
          '(endless), whose devices will be missing',
      ],
      order: ['before', 'after'],
      code: 0,
    });
    expect((found as { pus: number }).pus).toBeGreaterThan(0);
  },
);

needed.test('the status of a process that leaves a load behind is its own', async () => {
  const leaving = sources.run(`${begin(plugins?.own ?? '')}
    await loadWithin({}, { seconds: 0.3 }, tell);
    report('left');
    process.exitCode = 7;
  `);
  await expect(leaving).rejects.toMatchObject({ exitCode: 7, stdout: '"left"' });
  const midway = sources.run(`${begin(plugins?.own ?? '')}
    void loadTopology();
    setTimeout(() => process.exit(8), 500);
  `);
  await expect(midway).rejects.toMatchObject({ exitCode: 8 });
});

needed.test(
  'where it hangs without the plugins that can be named, too, it is an error that says what to try',
  async () => {
    const found = await sources.run(`${begin(plugins?.disguised ?? '')}
    const error = await loadWithin({}, { seconds: 0.3, lastSeconds: 0.3 }, tell).catch((error) => error);
    report({ name: error.name, code: error.code, message: error.message, told: told.length });
  `);
    expect(found).toMatchObject({ name: 'HwlocError', code: 'ETIMEDOUT', told: 1 });
    expect((found as { message: string }).message).toBe(
      'hwloc_topology_load: ETIMEDOUT: hwloc has not discovered this machine within 0.6 s. If it never ends, one of its plugins is ' +
        'the reason: try HWLOC_COMPONENTS=-endless, or an empty HWLOC_PLUGINS_PATH for none of them; hwloc-share doctor finds out which',
    );
  },
);

needed.test(
  'a plugin that only takes long is waited for, and after five seconds a line says so',
  async () => {
    const found = await sources.run(`${begin(plugins?.own ?? '', '8')}
    const topology = await loadWithin({}, { seconds: 60 }, tell);
    report({ told, plugins: loadedPlugins(), pus: topology.count('PU') });
  `);
    expect(found).toMatchObject({
      told: [
        'hwloc has been discovering this machine for 5 s; waiting 60 s at most (HWLOC_SHARE_TIMEOUT). If it never ends, one of its ' +
          'plugins is the reason: try HWLOC_COMPONENTS=-endless, or an empty HWLOC_PLUGINS_PATH for none of them; hwloc-share doctor ' +
          'finds out which',
      ],
      plugins: ['endless'],
    });
  },
);
