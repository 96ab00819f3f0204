import { StringDecoder } from 'node:string_decoder';
import type { Logger } from '@homeserver/system';
import { printable } from './printable-text.ts';

const MAX_LINES = 200;
const MAX_LINE_CHARACTERS = 500;
const LAST_LINES = 20;

/** Logs a command's output line by line as it comes: the first 200 lines, and at the end the last 20 of what came after. */
export class OutputLog {
  readonly #logger: Logger;
  readonly #prefix: string;
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';
  #lines = 0;
  #isCut = false;

  constructor(logger: Logger, prefix: string) {
    this.#logger = logger;
    this.#prefix = prefix;
  }

  add(chunk: Buffer): void {
    if (this.#lines >= MAX_LINES) {
      this.#isCut = true;
      return;
    }
    const lines = (this.#rest + this.#decoder.write(chunk)).split('\n');
    this.#rest = (lines.pop() ?? '').slice(0, MAX_LINE_CHARACTERS);
    for (const line of lines) {
      if (this.#lines >= MAX_LINES) {
        this.#isCut = true;
        this.#rest = '';
        return;
      }
      this.#write(line);
      this.#lines += 1;
    }
  }

  /** `output`: what was kept of all of it. */
  finish(output: string): void {
    if (this.#rest !== '') this.#write(this.#rest);
    if (!this.#isCut) return;
    this.#write(`[the first ${MAX_LINES} lines; the last ones are:]`);
    for (const line of output.trimEnd().split('\n').slice(-LAST_LINES)) this.#write(line);
  }

  #write(line: string): void {
    this.#logger.info(`${this.#prefix} | ${printable(line.slice(0, MAX_LINE_CHARACTERS))}`);
  }
}
