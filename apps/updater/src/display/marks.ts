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
