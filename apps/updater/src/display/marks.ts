/** The signs of a list. */
export interface Marks {
  ok: string;
  failed: string;
  to: string;
  spinner: readonly string[];
}

/** Those that the terminal of this locale can show: LC_ALL counts before LC_CTYPE, that before LANG (locale(7)). */
export function marksFor(environment: NodeJS.ProcessEnv): Marks {
  const locale = environment['LC_ALL'] || environment['LC_CTYPE'] || environment['LANG'] || '';
  return /utf-?8/i.test(locale)
    ? { ok: '✓', failed: '✗', to: '→', spinner: [...'⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏'] }
    : { ok: '+', failed: 'x', to: '->', spinner: ['-', '\\', '|', '/'] };
}

/**
 * What a stream gets of a text: a terminal whose locale cannot show our signs gets others in their place. Files, pipes and
 * the journal have the text as it is.
 */
export function textFor({ isTTY }: { isTTY?: boolean }, environment: NodeJS.ProcessEnv): (text: string) => string {
  const { ok, failed, to } = marksFor(environment);
  if (!isTTY || to === '→') return (text) => text;
  return (text) => text.replaceAll('✓', ok).replaceAll('✗', failed).replaceAll('→', to);
}
