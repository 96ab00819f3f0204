import type { CompletionWords } from './completion-words.ts';

export function fishCompletion({ commands, common, modules }: CompletionWords): string {
  const groups = [...new Set(commands.map(({ words }) => words.split(' ')[0] ?? ''))];
  const lines = groups.map((group) => {
    const alone = commands.find(({ words }) => words === group);
    const about = alone === undefined ? '' : ` -d ${quote(alone.description)}`;
    return `complete -c updater -n __fish_use_subcommand -a ${group}${about}`;
  });
  for (const { words, description, flags, takesModule } of commands) {
    const [first = '', second] = words.split(' ');
    const isTyped = `__fish_seen_subcommand_from ${first}${second === undefined ? '' : `; and __fish_seen_subcommand_from ${second}`}`;
    if (second !== undefined) {
      const inner = commands.flatMap((one) =>
        one.words.startsWith(`${first} `) ? one.words.slice(first.length + 1) : [],
      );
      const isNext = `__fish_seen_subcommand_from ${first}; and not __fish_seen_subcommand_from ${inner.join(' ')}`;
      lines.push(`complete -c updater -n ${quote(isNext)} -a ${second} -d ${quote(description)}`);
    }
    for (const flag of flags) lines.push(`complete -c updater -n ${quote(isTyped)} -l ${flag.slice(2)}`);
    if (takesModule) lines.push(`complete -c updater -n ${quote(isTyped)} -a ${quote(`(${modules})`)}`);
  }
  for (const { flag, description, isPath } of common)
    lines.push(`complete -c updater -l ${flag.slice(2)}${isPath ? ' -r -F' : ''} -d ${quote(description)}`);
  return `# fish completion for updater\ncomplete -c updater -f\n${lines.join('\n')}\n`;
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
