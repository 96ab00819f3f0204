import type { CompletionWords } from './completion-words.ts';

/** For bash-completion; also works alone. */
export function bashCompletion({ commands, common, modules }: CompletionWords): string {
  const groups = new Map<string, string[]>();
  for (const { words } of commands) {
    const [first = '', second] = words.split(' ');
    groups.set(first, [...(groups.get(first) ?? []), ...(second === undefined ? [] : [second])]);
  }
  const seconds = [...groups].filter(([, inner]) => inner.length > 0);
  return `# bash completion for updater
_updater() {
  local word=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} command flags takes_module=
  COMPREPLY=()
  case "\${COMP_WORDS[1]-} \${COMP_WORDS[2]-}" in
${commands
  .map(
    ({ words, flags, takesModule }) =>
      `    '${words}'${words.includes(' ') ? '' : "' '*"}) command='${words}' flags='${flags.join(' ')}'${takesModule ? ' takes_module=1' : ''} ;;`,
  )
  .join('\n')}
  esac
  case "$previous" in
    --module | --allow-downgrade) COMPREPLY=($(compgen -W "$(${modules})" -- "$word")); return ;;
${
  common.filter(({ isPath }) => isPath).length === 0
    ? ''
    : `    ${common
        .filter(({ isPath }) => isPath)
        .map(({ flag }) => flag)
        .join(' | ')}) COMPREPLY=($(compgen -f -- "$word")); return ;;\n`
}  esac
  if [[ $word == -* ]]; then
    COMPREPLY=($(compgen -W "$flags ${common.map(({ flag }) => flag).join(' ')} --help" -- "$word"))
  elif ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W '${[...groups.keys()].join(' ')}' -- "$word"))
  elif ((COMP_CWORD == 2)) && [[ -z $command ]]; then
    case "\${COMP_WORDS[1]}" in
${seconds.map(([first, inner]) => `      ${first}) COMPREPLY=($(compgen -W '${inner.join(' ')}' -- "$word")) ;;`).join('\n')}
    esac
  elif [[ -n $takes_module ]]; then
    COMPREPLY=($(compgen -W "$(${modules})" -- "$word"))
  else
    COMPREPLY=($(compgen -f -- "$word"))
  fi
}
complete -F _updater updater
`;
}
