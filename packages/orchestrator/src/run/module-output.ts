import type { OnProgress } from '@homeserver/state-manager';
import { tellingLine, type Logger, type Worker } from '@homeserver/system';
import { parseHostLine, type HostLine } from './host-protocol.ts';
import { splitLines } from './split-lines.ts';

/** Something that a restore moved out of the way, and where it is now. */
export interface DisplacedPlace {
  from: string;
  to: string;
}

export type EndLine = Extract<HostLine, { kind: 'end' }>;

const MAX_LINES = 2000;
const MAX_CHARACTERS = 1024 * 1024;
const KEPT_ERROR_LINES = 40;
/** Sorts a host's output during one run into log lines of the module and the word that it has ended. */
export class ModuleOutput {
  /** Resolves when the end has been read on both streams, so that nothing of the module's output is missed. */
  readonly end: Promise<EndLine>;
  readonly #nonce: string;
  readonly #log: Logger;
  readonly #onProgress: OnProgress;
  readonly #out = splitLines((line) => this.#line(line));
  readonly #err = splitLines((line) => this.#errorLine(line));
  readonly #begun = Promise.withResolvers<void>();
  readonly #outEnd = Promise.withResolvers<EndLine>();
  readonly #errEnd = Promise.withResolvers<void>();
  /** What restores inside the module moved out of the way, so far. */
  readonly displaced: DisplacedPlace[] = [];
  #hasBegun = false;
  #lines = 0;
  #characters = 0;
  #isFull = false;
  readonly #lastErrors: string[] = [];
  /** Lines on stderr before the begin is read: the module's own, unless the process never comes to it. */
  #early: string[] | undefined = [];

  constructor(nonce: string, log: Logger, onProgress: OnProgress = () => {}) {
    this.#onProgress = onProgress;
    this.#nonce = nonce;
    this.#log = log;
    this.end = this.#errEnd.promise.then(() => this.#outEnd.promise);
  }

  /** Resolves when the host has come so far as to begin with the module. */
  get begun(): Promise<void> {
    return this.#begun.promise;
  }

  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** The most telling line of a crash: the error itself, not what Node prints around it. */
  get lastWords(): string | undefined {
    return tellingLine(this.#lastErrors);
  }

  /** The returned function stops listening, and passes on what came last. */
  listenTo(worker: Pick<Worker, 'stdout' | 'stderr'>): () => void {
    const nonce = Buffer.from(this.#nonce);
    const onOut = (chunk: Buffer): void => this.#out.add(chunk, this.#isFull ? nonce : undefined);
    const onErr = (chunk: Buffer): void => this.#err.add(chunk);
    worker.stdout.on('data', onOut);
    worker.stderr.on('data', onErr);
    return () => {
      worker.stdout.off('data', onOut);
      worker.stderr.off('data', onErr);
      this.#out.flush();
      this.#err.flush();
    };
  }

  #line(text: string): void {
    const line = parseHostLine(this.#nonce, text);
    if (line === undefined) this.#say('info', text);
    else if (line.kind === 'begin') this.#begin();
    else if (line.kind === 'end') this.#outEnd.resolve(line);
    else if (line.kind === 'displaced') this.displaced.push({ from: line.from, to: line.to });
    else if (line.kind === 'progress') this.#onProgress(line.progress);
    else this.#say(line.level, line.message);
  }

  #begin(): void {
    this.#hasBegun = true;
    for (const line of this.#early ?? []) this.#say('warn', line);
    this.#early = undefined;
    this.#begun.resolve();
  }

  #errorLine(text: string): void {
    if (text === this.#nonce) return this.#errEnd.resolve();
    this.#lastErrors.push(text.trim());
    if (this.#lastErrors.length > 2 * KEPT_ERROR_LINES) this.#lastErrors.splice(0, KEPT_ERROR_LINES);
    if (this.#early === undefined) this.#say('warn', text);
    else if (this.#early.length < MAX_LINES) this.#early.push(text);
  }

  #say(level: keyof Logger, text: string): void {
    if (this.#isFull) return;
    this.#lines += 1;
    this.#characters += text.length;
    this.#isFull = this.#lines > MAX_LINES || this.#characters > MAX_CHARACTERS;
    if (this.#isFull) this.#log.warn('it has said more than the log takes (2000 lines, 1 MiB); the rest is left out');
    else this.#log[level](text);
  }
}
