// Makes the completion script for bash.

import type { Manual } from '../command.js';
import { type Option, type OptionTable, namesOf } from '../../command-line/options.js';

/**
 * @param all        The wrapper's manual first, then those of `local` and of the commands.
 * @param launchers  The commands of launchers.
 */
export function bashScript(all: readonly Manual[], launchers: readonly string[]): string {
  const names = all.slice(1).map(({ name }) => name);
  return `# Completion of hwloc-share in bash: source <(hwloc-share completion bash)

# In \`words\`, bash's taking apart of --option=value is undone; \`starts\` has the place of each in COMP_WORDS.
_hwloc_share_join_words() {
  local i
  words=() starts=()
  for ((i = 0; i <= COMP_CWORD; i++)); do
    if ((i > 1)) && [[ \${COMP_WORDS[i]} == = || \${COMP_WORDS[i - 1]} == = ]] && [[ \${words[-1]} == --* ]]; then
      words[-1]+=\${COMP_WORDS[i]}
    else
      words+=("\${COMP_WORDS[i]}")
      starts+=("$i")
    fi
  done
}

# All options of a command, and those of them that take a value.
_hwloc_share_options() {
  case $1 in
${all.map(optionsCase).join('\n')}
  esac
}

# What may stand as the value of an option: $1 is the command, $2 the option, $3 what is typed of the value.
_hwloc_share_value() {
  case "$1 $2" in
${all.flatMap((manual) => valueCases(manual)).join('\n')}
  esac
}

# Goes on as bash would if the command line began here: $1 is the place in COMP_WORDS.
_hwloc_share_give_way() {
  if ((COMP_CWORD == $1)); then
    mapfile -t COMPREPLY < <(compgen -c -- "\${COMP_WORDS[COMP_CWORD]}")
  elif declare -F _comp_command_offset >/dev/null; then
    _comp_command_offset "$1"
  elif declare -F _command_offset >/dev/null; then
    _command_offset "$1"
  fi
}

# Our commands and the launchers that are installed; any program, once a letter is typed.
_hwloc_share_first() {
  if [[ $1 ]]; then
    mapfile -t COMPREPLY < <(compgen -c -W '${names.join(' ')}' -- "$1" | sort -u)
  else
    COMPREPLY=(${names.join(' ')})
    mapfile -t -O \${#COMPREPLY[@]} COMPREPLY < <(type -P ${launchers.join(' ')} | sed 's#.*/##')
  fi
}

_hwloc_share() {
  local words=() starts=() options valued command= i=1 last
  COMPREPLY=()
  _hwloc_share_join_words
  last=$((\${#words[@]} - 1))
  _hwloc_share_options ''
  while ((i <= last)); do
    local word=\${words[i]}
    if ((i == last)); then
      case $word in
        --*=*)
          _hwloc_share_value "$command" "\${word%%=*}" "\${word#*=}"
          return ;;
        -*)
          mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
          return ;;
      esac
    fi
    case $word in
      --)
        [[ $command && $command != local ]] && return
        _hwloc_share_give_way "\${starts[i + 1]}"
        return ;;
      -*)
        if [[ $word != *=* && " $valued " == *" $word "* ]]; then
          if ((i + 1 == last)); then
            _hwloc_share_value "$command" "$word" "\${words[last]}"
            return
          fi
          ((i++))
        fi ;;
      *)
        if [[ $command == local ]]; then
          _hwloc_share_give_way "\${starts[i]}"
          return
        elif [[ ! $command ]]; then
          if ((i == last)); then
            _hwloc_share_first "$word"
            return
          fi
          case $word in
            ${names.join(' | ')})
              command=$word
              _hwloc_share_options "$command" ;;
            *)
              _hwloc_share_give_way "\${starts[i]}"
              return ;;
          esac
        elif ((i == last)); then
          _hwloc_share_value "$command" '' "$word"
          return
        fi ;;
    esac
    ((i++))
  done
}

complete -o bashdefault -o default -F _hwloc_share hwloc-share
`;
}

/** The name of a command in the script: the wrapper has none. */
function nameIn({ name }: Manual): string {
  return name === 'hwloc-share' ? "''" : name;
}

function optionsCase(manual: Manual): string {
  const options = Object.entries<Option>(manual.options);
  const names = options.flatMap(([name, option]) => namesOf(name, option));
  const valued = options.filter(([, { value }]) => value !== undefined);
  const valuedNames = valued.flatMap(([name, option]) => namesOf(name, option));
  return `    ${nameIn(manual)}) options='${names.join(' ')}' valued='${valuedNames.join(' ')}' ;;`;
}

function valueCases({ name, options, operands }: Manual): string[] {
  const command = name === 'hwloc-share' ? '' : name;
  const table: OptionTable = options;
  const cases = Object.entries(table).flatMap(([option, rules]) => {
    const generator = generatorOf(rules);
    if (generator === undefined) return [];
    return namesOf(option, rules).map((each) => caseOf(`${command} ${each}`, generator));
  });
  return operands === undefined ? cases : [...cases, caseOf(`${command} `, wordsOf(operands))];
}

function caseOf(pattern: string, generator: string): string {
  // With this, bash appends a slash instead of a blank to a directory.
  const names = generator === '-d' ? 'compopt -o filenames; ' : '';
  return `    '${pattern}') ${names}mapfile -t COMPREPLY < <(compgen ${generator} -- "$3") ;;`;
}

/** Arguments of compgen; undefined for files, which bash completes if the script offers nothing. */
function generatorOf({ value, choices, usual }: Option): string | undefined {
  const words = choices ?? usual;
  if (words !== undefined) return wordsOf(words);
  return value === 'DIR' ? '-d' : undefined;
}

function wordsOf(words: readonly string[]): string {
  return `-W '${words.join(' ')}'`;
}
