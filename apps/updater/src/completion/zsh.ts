import type { CompletionWords } from './completion-words.ts';

export function zshCompletion({ commands, common, modules }: CompletionWords): string {
  const groups = [...new Set(commands.map(({ words }) => words.split(' ')[0] ?? ''))];
  const flagsOf = (flags: readonly string[]): string =>
    [...flags, ...common.map(({ flag }) => flag), '--help'].join(' ');
  return `#compdef updater
# zsh completion for updater
_updater() {
  local command="\${words[2]}" flags='' modules=0
  if ((CURRENT == 2)) && [[ \${words[CURRENT]} != -* ]]; then
    local -a commands=(${groups.map((group) => quote(describe(group, commands))).join(' ')})
    _describe command commands
    return
  fi
  case "\${words[2]} \${words[3]}" in
${commands
  .map(
    ({ words, flags, takesModule }) =>
      `    '${words}'${words.includes(' ') ? '' : "' '*"}) flags='${flagsOf(flags)}'${takesModule ? ' modules=1' : ''} ;;`,
  )
  .join('\n')}
    *)
      case "$command" in
${groups
  .flatMap((group) => {
    const inner = commands.filter(({ words }) => words.startsWith(`${group} `));
    if (inner.length === 0) return [];
    const shown = inner.map(({ words, description }) => quote(`${words.slice(group.length + 1)}:${description}`));
    return [`        ${group}) local -a inner=(${shown.join(' ')}); _describe command inner; return ;;`];
  })
  .join('\n')}
      esac ;;
  esac
  if [[ \${words[CURRENT]} == -* ]]; then
    compadd -- \${=flags:-${common.map(({ flag }) => flag).join(' ')}}
  elif ((modules)); then
    compadd -- $(${modules})
  else
    _files
  fi
}
_updater "$@"
`;
}

function describe(group: string, commands: CompletionWords['commands']): string {
  const alone = commands.find(({ words }) => words === group);
  return alone === undefined ? group : `${group}:${alone.description}`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
