// Checks the library and the machine within a time limit. If the discovery hangs, finds the plugin of hwloc
// that causes this.

import { environment, sourceVariables } from '../../../environment/index.js';
import { shellWord } from '../text.js';
import type { Finding } from './finding.js';
import { type LibraryReport, set } from './library.js';
import { look, quickly } from './run-probe.js';

/** Seconds until the user is told that hwloc takes long. */
const longSeconds = 5;

/** Facts about the machine, and the variables that keep hwloc from hanging on it. */
export interface Machine extends LibraryReport {
  /** Variables for the doctor's own job; empty if nothing hangs, undefined if no variables help. */
  readonly env: Variables | undefined;
}

type Variables = Readonly<Record<string, string>>;

/** The input of the examination. */
export interface Examination {
  /** The libhwloc that was asked for. */
  readonly asked: string | undefined;
  /** How long a discovery may take: the time that ranks wait for it. */
  readonly seconds: number;
  /** Called with each finding. */
  readonly report: (finding: Finding) => void;
  /** Writes a line to stderr. */
  readonly complain: (text: string) => void;
}

export async function examineMachine(examination: Examination): Promise<Machine> {
  const { asked, seconds, report, complain } = examination;
  let plugins: readonly string[] = [];
  const timer = setTimeout(() => {
    complain(
      `hwloc has been discovering this machine for ${longSeconds} s; waiting ${seconds} s at most (--timeout)`,
    );
  }, longSeconds * 1000);
  const tell = (value: unknown) => {
    if (isFinding(value)) report(value);
    else if (hasPlugins(value)) plugins = value.plugins;
  };
  const { result, why } = await look('library', asked, { seconds, tell });
  clearTimeout(timer);
  return result === undefined ? findCulprit(examination, plugins, why) : { ...result, env: {} };
}

/** Discovers the machine without plugins, then with each plugin alone. */
async function findCulprit(
  { asked, seconds, report }: Examination,
  plugins: readonly string[],
  why: string,
): Promise<Machine> {
  const subject = 'machine';
  const none = { HWLOC_PLUGINS_PATH: '' };
  const found: Finding[] = [];
  const tell = (value: unknown) => {
    if (isFinding(value) && value.subject === subject) found.push(value);
  };
  const bare = await look('library', asked, { seconds, env: none, tell });
  if (bare.result === undefined) {
    const text = `hwloc does not discover this machine (${why}), not without its plugins either (${bare.why})`;
    const named = set(sourceVariables);
    report({
      subject,
      level: 'problem',
      text,
      ...(named.length === 0 ? {} : { mend: `unset ${named.join(' ')}` }),
    });
    return { length: undefined, env: undefined };
  }
  const alone = await Promise.all(
    plugins.map(async (name) => {
      const env = without(plugins.filter((each) => each !== name));
      const { result } = await look('library', asked, { seconds: Math.min(quickly, seconds), env });
      return { name, isFine: result !== undefined };
    }),
  );
  const culprits = alone.flatMap(({ name, isFine }) => (isFine ? [] : [name]));
  const env: Variables = culprits.length > 0 ? without(culprits) : none;
  const [mend = ''] = Object.entries(env).map(([name, value]) => `export ${name}=${shellWord(value)}`);
  const who =
    culprits.length > 0
      ? `its plugin ${culprits.join(' and ')}`
      : `its plugins (${plugins.join(', ')}), not one of them alone`;
  const text =
    `hwloc does not discover this machine: ${why}, because of ${who}; ` +
    'ranks wait for that, and go on without plugins';
  report({ subject, level: 'warning', text, mend, facts: { plugins, culprits } });
  found.forEach(report);
  return { ...bare.result, env };
}

/** Variables that leave out some plugins, in addition to what the user leaves out. */
function without(names: readonly string[]): Variables {
  const excluded = names.map((name) => `-${name}`);
  const asked = environment().HWLOC_COMPONENTS ?? '';
  return { HWLOC_COMPONENTS: [...excluded, ...(asked === '' ? [] : [asked])].join(',') };
}

function isFinding(told: unknown): told is Finding {
  return typeof told === 'object' && told !== null && 'subject' in told;
}

function hasPlugins(told: unknown): told is { plugins: string[] } {
  return typeof told === 'object' && told !== null && 'plugins' in told;
}
