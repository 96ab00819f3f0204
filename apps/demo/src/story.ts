/** What the demo prints, and what it found to hold. */
export interface Check {
  scene: string;
  what: string;
  holds: boolean;
}

const colour = process.stdout.isTTY && !process.env['NO_COLOR'];
const paint = (code: number, text: string): string => (colour ? `\x1b[${code}m${text}\x1b[0m` : text);

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** The narrator: scenes, commands, chosen lines of their output, and the closing table. */
export class Story {
  readonly checks: Check[] = [];
  #scene = '';

  scene(letter: string, title: string): void {
    this.#scene = letter;
    print(`\n${paint(1, `(${letter}) ${title}`)}`);
  }

  tell(text: string): void {
    print(`    ${text}`);
  }

  command(text: string): void {
    print(`  ${paint(36, `$ ${text}`)}`);
  }

  output(lines: readonly string[]): void {
    for (const line of lines) print(`    ${paint(2, line)}`);
  }

  /** Looks now, and keeps what it saw for the table. */
  check(what: string, holds: boolean): void {
    this.checks.push({ scene: this.#scene, what, holds });
    print(`    ${holds ? paint(32, '✓') : paint(31, '✗')} ${what}`);
  }

  /** Prints the table; true when every line holds. */
  conclude(seconds: number): boolean {
    const failed = this.checks.filter((check) => !check.holds).length;
    print(`\n${paint(1, 'What was checked')}`);
    for (const { scene, what, holds } of this.checks)
      print(`  (${scene}) ${holds ? paint(32, 'ok    ') : paint(31, 'FAILED')}  ${what}`);
    print(`\n${this.checks.length - failed} of ${this.checks.length} hold, in ${seconds.toFixed(1)} s.`);
    return failed === 0;
  }
}
