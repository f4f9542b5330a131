// Makes the completion script for zsh.

import type { Manual } from '../command.js';
import { type Option, type OptionTable, namesOf } from '../../command-line/options.js';

/**
 * @param all        The wrapper's manual first, then those of `local` and of the commands.
 * @param launchers  The commands of launchers.
 */
export function zshScript(all: readonly Manual[], launchers: readonly string[]): string {
  const [wrapper, ...others] = all;
  const rows = others.map(({ name, summary }) => quoted(`${name}:${summary}`));
  return `#compdef hwloc-share
# Completion of hwloc-share in zsh: source <(hwloc-share completion zsh), or as _hwloc-share in a folder of fpath

_hwloc-share_first() {
  local -a own launchers
  own=(
    ${rows.join('\n    ')}
  )
  # The launchers that are installed; any program, once a letter is typed.
  launchers=(\${(k)commands[(I)${launchers.join('|')}]})
  if [[ -n $PREFIX ]]; then
    _alternative 'commands:command:{_describe command own}' 'launchers:launcher:_command_names -e'
  else
    _alternative 'commands:command:{_describe command own}' 'launchers:launcher:compadd -a launchers'
  fi
}

_hwloc-share() {
  local curcontext=$curcontext state line
  typeset -A opt_args
  _arguments -S -C \\
${specs(wrapper?.options ?? {})}    '(-)1:launcher:_hwloc-share_first' \\
    '*:: :->rest' && return
  [[ $state == rest ]] || return
  if [[ $words[1] == -- ]]; then
    shift words
    ((CURRENT--))
    _normal
    return
  fi
  case $words[1] in
${others.map(commandCase).join('\n')}
    *) _normal ;;
  esac
}

if [[ $funcstack[1] == _hwloc-share ]]; then
  _hwloc-share "$@"
else
  compdef _hwloc-share hwloc-share
fi
`;
}

function commandCase({ name, options, operands }: Manual): string {
  const rest =
    name === 'local'
      ? ["'(-)1:program:_command_names -e'", "'*::arguments:_normal'"]
      : [operands === undefined ? "'*:file:_files'" : quoted(`1:word:(${operands.join(' ')})`)];
  return `    ${name})
      _arguments -S \\
${specs(options, '  ')}      ${rest.join(' ')} ;;`;
}

function specs(table: OptionTable, indent = ''): string {
  return Object.entries(table)
    .flatMap(([name, option]) => specsOf(name, option))
    .map((spec) => `${indent}    ${spec} \\\n`)
    .join('');
}

/** The value of a long option follows a blank or a `=`. */
function specsOf(name: string, option: Option): string[] {
  const { value, describe } = option;
  const text = `[${describe.replace(/[[\]\\]/g, '\\$&').replaceAll(':', '\\:')}]`;
  return namesOf(name, option).map((typed) => {
    if (value === undefined) return quoted(`${typed}${text}`);
    return quoted(`${typed}${typed.startsWith('--') ? '=' : ''}${text}:${value}:${actionOf(option)}`);
  });
}

function actionOf({ value, choices, usual }: Option): string {
  const words = choices ?? usual;
  if (words !== undefined) return `(${words.join(' ')})`;
  if (value === 'DIR') return '_directories';
  if (value === 'PID') return '_pids';
  return value === 'FILE' || value === 'INPUT' ? '_files' : ' ';
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
