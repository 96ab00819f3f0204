import { styleText } from 'node:util';
import { escapeControl, type LogRecord } from '@homeserver/logging';
import type { CycleEvent } from '@homeserver/orchestrator';
import { describeProgress, type Progress } from '@homeserver/state-manager';
import { describeFetch } from '@homeserver/version-control';
import { cutToWidth, wrapToWidth } from '../text/fit-width.ts';
import { formatDuration } from '../text/format-duration.ts';
import type { SeenEvent } from './display.ts';
import { marksFor, textFor } from './marks.ts';

const REDRAW_MS = 120;
const phaseTitles = {
  recover: 'looking for what a crash left',
  sync: 'asking the repository',
  replace: 'replacing modules',
  run: undefined, // Its modules stand for it.
} as const;

/**
 * A list on a terminal: what has ended stands above, what goes on is drawn over and over below it. The cursor stays as it is
 * and only what goes on is ever redrawn, so that a kill at any time leaves a terminal that works.
 */
export class LiveList {
  readonly #terminal: NodeJS.WriteStream;
  readonly #keepsEnded: boolean;
  readonly #marks = marksFor(process.env);
  readonly #text: (text: string) => string;
  /** What goes on, by a key of its own. */
  readonly #running = new Map<string, { title: string; since: number }>();
  #progress: string | undefined;
  #ended = 0;
  #total = 0;
  #drawnLines = 0;
  #frame = 0;
  #timer: NodeJS.Timeout | undefined;

  /** `keepsEnded`: what has ended stays to be read. */
  constructor(terminal: NodeJS.WriteStream, { keepsEnded }: { keepsEnded: boolean }) {
    this.#terminal = terminal;
    this.#text = textFor(terminal, process.env);
    this.#keepsEnded = keepsEnded;
  }

  onEvent(event: SeenEvent): void {
    this.#progress = undefined;
    if (event.type === 'phase') {
      const title = phaseTitles[event.phase];
      if (event.state === 'ended') this.#running.delete(event.phase);
      else if (title !== undefined) this.#running.set(event.phase, { title, since: performance.now() });
    } else if (event.type === 'verify') {
      if (event.state !== 'begun') this.#running.delete(event.name);
      else this.#running.set(event.name, { title: `re-reading ${event.name}`, since: performance.now() });
    } else if (event.type === 'module') this.#onModule(event);
    else this.#onNews(event);
    this.#draw();
  }

  /** `module`: the one whose capture or restore it is. */
  onProgress(progress: Progress, module?: string): void {
    const text = `${module === undefined ? '' : `${module}: `}${describeProgress(progress)}`;
    this.#progress = escapeControl(text);
    this.#draw();
  }

  /** A message of the log, without its time. */
  showMessage({ level, module, message }: LogRecord): void {
    const [mark, colour] = level === 'ERROR' ? ([this.#marks.failed, 'red'] as const) : (['!', 'yellow'] as const);
    const text = `${module === undefined ? '' : `${module}: `}${message.replace(/^✗ /, '')}`;
    this.#keep(mark, colour, text);
    this.#draw();
  }

  /** Takes away what is drawn. */
  clear(): void {
    if (this.#drawnLines === 0) return;
    const up = this.#drawnLines > 1 ? `\x1b[${this.#drawnLines - 1}A` : '';
    this.#terminal.write(`\r${up}\x1b[J`);
    this.#drawnLines = 0;
  }

  end(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#running.clear();
    this.#progress = undefined;
    this.clear();
  }

  #onModule(event: Extract<CycleEvent, { type: 'module' }>): void {
    const { name, version, state } = event;
    if (state === 'begun') {
      this.#running.set(`module ${name}`, { title: `${name} ${version}`, since: performance.now() });
      return;
    }
    this.#running.delete(`module ${name}`);
    this.#ended += 1;
    if (state !== 'succeeded') return; // The message that says why stands for it.
    const what = event.changed ? 'changed' : 'nothing to do';
    this.#keep(this.#marks.ok, 'green', `${name} ${version}: ${what} (${formatDuration(event.durationMs)})`);
  }

  #onNews(event: Exclude<CycleEvent, { type: 'phase' | 'module' }>): void {
    if (event.type === 'modules') this.#total = event.total;
    else if (event.type === 'fetch') this.#progress = describeFetch(event);
    else if (event.type === 'synced') {
      this.#keep(
        this.#marks.ok,
        'green',
        `repository at ${event.commit.slice(0, 12)}${event.fetched ? '' : ', as before'}`,
      );
    } else if (event.type === 'replaced') {
      this.#keep(this.#marks.ok, 'green', `${event.name} ${event.from ?? 'new'} ${this.#marks.to} ${event.to}`);
    } else this.#keep(this.#marks.ok, 'green', `the updater goes on as version ${event.to}`);
  }

  #keep(mark: string, colour: 'green' | 'yellow' | 'red', text: string): void {
    if (!this.#keepsEnded) return;
    this.clear();
    const lines = wrapToWidth(`${mark} ${this.#text(escapeControl(text))}`, this.#columns, mark.length + 1);
    const [first = '', ...rest] = lines;
    const coloured = styleText(colour, mark, { stream: this.#terminal }) + first.slice(mark.length);
    this.#terminal.write([coloured, ...rest].map((line) => `${line}\n`).join(''));
  }

  #draw(): void {
    this.clear();
    const lines = this.#lines().map((line) => cutToWidth(line, this.#columns));
    if (lines.length === 0) return;
    this.#terminal.write(lines.join('\n'));
    this.#drawnLines = lines.length;
    this.#timer ??= setInterval(() => {
      this.#frame += 1;
      this.#draw();
    }, REDRAW_MS).unref();
  }

  #lines(): string[] {
    const spinner = this.#marks.spinner[this.#frame % this.#marks.spinner.length] ?? '';
    const now = performance.now();
    const running = [...this.#running.values()].map(({ title, since }) => {
      const seconds = Math.floor((now - since) / 1000);
      return `${spinner} ${title}${seconds === 0 ? '' : `, ${formatDuration(seconds * 1000)}`}`;
    });
    const shown = running.slice(0, Math.max(1, (this.#terminal.rows || 24) - 4));
    const more = running.length - shown.length;
    return [
      ...shown,
      ...(more === 0 ? [] : [`  and ${more} more`]),
      ...(this.#progress === undefined ? [] : [`  ${this.#progress}`]),
      ...(this.#total > 1 && running.length > 0 ? [`  ${this.#ended} of ${this.#total} modules`] : []),
    ];
  }

  /** One less than there are: a full line would wrap. */
  get #columns(): number {
    return Math.max(10, (this.#terminal.columns || 80) - 1);
  }
}
