// What each import of the package exports: all of it, by name. A new export is public API, and needs a line here.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

/** The declarations of each import, from package.json. */
const { exports: imports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  exports: Record<string, string | { types: string }>;
};

/** The names in a file of declarations: those that exist at run time, and those that are types only. */
function exportsOf(file: string): { values: string[]; types: string[] } {
  const program = ts.createProgram([file], { module: ts.ModuleKind.NodeNext, typeRoots: [], types: [] });
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(file);
  const symbol = source && checker.getSymbolAtLocation(source);
  if (symbol === undefined) throw new Error(`${file} is no module`);
  const values: string[] = [];
  const types: string[] = [];
  for (const each of checker.getExportsOfModule(symbol)) {
    const isTypeOnly = each.declarations?.some(
      (one) => ts.isExportSpecifier(one) && ts.isTypeOnlyExportDeclaration(one),
    );
    const target = (each.flags & ts.SymbolFlags.Alias) === 0 ? each : checker.getAliasedSymbol(each);
    const isValue = isTypeOnly !== true && (target.flags & ts.SymbolFlags.Value) !== 0;
    (isValue ? values : types).push(each.name);
  }
  return { values: values.sort(), types: types.sort() };
}

/** The imports of the package, and all that each exports. */
const doors: Readonly<Record<string, { values: readonly string[]; types: readonly string[] }>> = {
  // Its import only says which of the others to use.
  '.': { values: [], types: [] },
  './rank': {
    values: [
      'BarrierError',
      'HwlocShareError',
      'InvalidArgumentError',
      'NotSharedError',
      'ShareError',
      'join',
    ],
    types: [
      'AdoptedOutcome',
      'AllowedSets',
      'How',
      'JoinOptions',
      'Outcome',
      'PrivateOutcome',
      'Session',
      'Share',
      'Shared',
      'SharedData',
      'Topology',
    ],
  },
  './auto': { values: ['default', 'session'], types: [] },
  './hwloc': {
    values: [
      'CpuSet',
      'ForeignObjectError',
      'HwlocError',
      'HwlocShareError',
      'InvalidArgumentError',
      'KoffiNotLoadedError',
      'LibhwlocNotFoundError',
      'LibhwlocUnsupportedError',
      'NodeSet',
      'NotSupportedError',
      'TopologyClosedError',
      'adoptTopology',
      'isCache',
      'isDataCache',
      'isInstructionCache',
      'isIo',
      'isMemory',
      'isNormal',
      'isObjectType',
      'loadTopology',
      'loadWithin',
      'objectTypes',
      'pciClassName',
    ],
    types: [
      'BindingOptions',
      'BridgeAttributes',
      'BridgeDownstream',
      'BridgeObject',
      'BridgeUpstream',
      'CacheAttributes',
      'ChildKind',
      'CoreAttributes',
      'CoreObject',
      'CpuBindingSupport',
      'CpuKind',
      'CpuKindJson',
      'DataCacheObject',
      'DataCacheType',
      'DieObject',
      'DiscoverySupport',
      'Distances',
      'DistancesFilter',
      'DistancesJson',
      'DistancesKind',
      'DistributeOptions',
      'ExportSyntheticOptions',
      'ExportXmlOptions',
      'GroupAttributes',
      'GroupObject',
      'Info',
      'Initiator',
      'InitiatorValue',
      'InstructionCacheObject',
      'InstructionCacheType',
      'IoObject',
      'IoOf',
      'IoType',
      'LoadOptions',
      'LocalNumaNodesOptions',
      'MachineObject',
      'MemoryAttribute',
      'MemoryAttributeJson',
      'MemoryBinding',
      'MemoryBindingPolicy',
      'MemoryBindingSupport',
      'MemoryCacheObject',
      'MemoryObject',
      'MemoryOf',
      'MemoryType',
      'MiscObject',
      'MiscSupport',
      'NormalObject',
      'NormalOf',
      'NormalType',
      'NumaNodeAttributes',
      'NumaNodeObject',
      'ObjectAttributes',
      'ObjectJson',
      'ObjectOfType',
      'ObjectType',
      'OsDeviceAttributes',
      'OsDeviceObject',
      'OsDeviceType',
      'PackageObject',
      'PageType',
      'Patience',
      'PciAddress',
      'PciAttributes',
      'PciDeviceObject',
      'PuObject',
      'SameLocalityOptions',
      'Segment',
      'SetCpuBindingOptions',
      'SetMemoryBindingOptions',
      'Support',
      'TargetValue',
      'Topology',
      'TopologyJson',
      'TopologyObject',
      'TopologySource',
      'TypeFilter',
      'UnknownObject',
    ],
  },
};

test('these are all imports of the package', () => {
  expect(
    Object.keys(imports)
      .filter((name) => name !== './package.json')
      .sort(),
  ).toEqual(Object.keys(doors).sort());
});

describe('an import exports what users need, and nothing else', () => {
  test.each(Object.entries(doors))(
    'hwloc-share, %s',
    (door, { values, types }) => {
      const entry = imports[door];
      if (entry === undefined || typeof entry === 'string') throw new Error(`${door} has no types`);
      const found = exportsOf(join(root, entry.types));
      expect(found).toEqual({ values: [...values].sort(), types: [...types].sort() });
    },
    60_000,
  );
});
