/** The start of a program, as `faults/program-recorder.c` wrote it down. */
export interface ProgramStart {
  number: number;
  /** The start of the program that started this one, or was replaced by it. */
  startedBy: ProgramStart | undefined;
  cwd: string;
  argv: string[];
  /** Of git alone; else empty. */
  environment: Record<string, string>;
}

/** Reads what the recorder wrote. A last record that was cut off is left out. */
export function readProgramStarts(content: Buffer): ProgramStart[] {
  const strings = content.toString('utf8').split('\0');
  const starts: ProgramStart[] = [];
  const byNumber = new Map<number, ProgramStart>();
  for (let at = 0; at + 6 < strings.length;) {
    const [number = 0, by = 0, , , argumentCount = 0, variableCount = 0] = strings.slice(at, at + 6).map(Number);
    const cwd = strings[at + 3] ?? '';
    const variables = at + 6 + argumentCount;
    const end = variables + variableCount;
    if (end >= strings.length) break;
    const environment = Object.fromEntries(strings.slice(variables, end).map((line) => line.split(/=(.*)/s)));
    const start = { number, startedBy: byNumber.get(by), cwd, argv: strings.slice(at + 6, variables), environment };
    byNumber.set(number, start);
    starts.push(start);
    at = end;
  }
  return starts;
}

/** The name of the program, without its directory. */
export function nameOf({ argv }: ProgramStart): string {
  return (argv[0] ?? '').split('/').at(-1) ?? '';
}
