import { createHash, type Hash } from 'node:crypto';
import { describeEnd } from '@homeserver/system';
import { VersionControlError } from './errors.ts';
import type { Mirror, ObjectFormat } from './mirror.ts';
import { checkMirror, noteDamage } from './mirror.ts';
import { checkObjectId } from './ref-name.ts';
import { lastWords, runGit } from './run-git.ts';

export interface ObjectHeader {
  type: string;
  sizeBytes: number;
}

/** Takes the objects of a stream, one after the other, each by its place in the list that was asked for. */
export interface ObjectReceiver {
  begin(place: number, header: ObjectHeader): void;
  data(chunk: Buffer): void;
  /** All of it has come, and its hash is its id. */
  end(place: number): void;
  /** It is missing, cannot be read, or is not what its id says; what came of it is worth nothing. `begin` need not have come. */
  damaged(place: number, why: string): void;
}

export interface StreamOptions {
  signal?: AbortSignal;
}

/** With more than this it is the mirror that is gone, and git need not be asked for each object. */
const DAMAGES_TOLD = 100;

export function hashOf(format: ObjectFormat, type: string, sizeBytes: number): Hash {
  return createHash(format).update(`${type} ${sizeBytes}\0`);
}

export function formatOfId(id: string): ObjectFormat {
  return id.length === 64 ? 'sha256' : 'sha1';
}

/**
 * Streams the objects through one `git cat-file --batch`, in order, and checks each against its id on the way. Damage is
 * told to the receiver, noted in the mirror, and does not keep the other objects from coming. Throws 'bad-ref' for what is
 * no id, 'not-found' where no mirror is, 'git-failed', and whatever the receiver throws.
 */
export async function streamObjects(
  mirror: Mirror,
  ids: readonly string[],
  receiver: ObjectReceiver,
  options: StreamOptions = {},
): Promise<void> {
  for (const id of ids) checkObjectId(id);
  if (ids.length > 0) checkMirror(mirror);
  let damages = 0;
  const noting: ObjectReceiver = {
    begin: (place, header) => receiver.begin(place, header),
    data: (chunk) => receiver.data(chunk),
    end: (place) => receiver.end(place),
    damaged(place, why) {
      noteDamage(mirror, `object ${ids[place]}: ${why}`);
      if (++damages > DAMAGES_TOLD)
        throw new VersionControlError('damaged', `cannot read from the mirror ${mirror.directory}: ${why}`);
      receiver.damaged(place, why);
    },
  };
  // Git dies of an object that it cannot read: that one is told, and the rest is asked for again.
  for (let from = 0; from < ids.length;) from = await streamFrom(mirror, ids, from, noting, options);
}

/** Returns the place to go on from; it is always further on. */
async function streamFrom(
  mirror: Mirror,
  ids: readonly string[],
  from: number,
  receiver: ObjectReceiver,
  options: StreamOptions,
): Promise<number> {
  const parser = new BatchParser(ids, from, receiver);
  const stop = new AbortController();
  let failure: { error: unknown } | undefined;
  const result = await runGit(['cat-file', '--batch'], {
    gitDirectory: mirror.directory,
    timeoutMs: mirror.timeoutMs,
    input: `${ids.slice(from).join('\n')}\n`,
    maxOutputBytes: 16 * 1024,
    signal: AbortSignal.any([stop.signal, ...[mirror.signal, options.signal].filter((signal) => signal !== undefined)]),
    onOutput(chunk, stream) {
      if (stream !== 'stdout' || failure !== undefined) return;
      try {
        parser.add(chunk);
      } catch (error) {
        failure = { error };
        stop.abort();
      }
    },
  });
  if (failure !== undefined) throw failure.error;
  if (parser.place === ids.length) return parser.place;
  if (result.exitCode !== undefined && result.exitCode !== 0 && !result.aborted) {
    receiver.damaged(parser.place, lastWords(result.stderr));
    return parser.place + 1;
  }
  throw new VersionControlError(
    'git-failed',
    `cannot read from the mirror ${mirror.directory}: git cat-file ${describeEnd(result)}`,
  );
}

/** The output of `git cat-file --batch`: `<id> <type> <size>`, newline, the content, newline; or `<id> missing`. */
class BatchParser {
  /** The object that is being read or comes next. */
  place: number;
  readonly #ids: readonly string[];
  readonly #receiver: ObjectReceiver;
  #line: Buffer = Buffer.alloc(0);
  #left: number | undefined;
  #hash: Hash | undefined;

  constructor(ids: readonly string[], place: number, receiver: ObjectReceiver) {
    this.#ids = ids;
    this.place = place;
    this.#receiver = receiver;
  }

  add(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0 && this.place < this.#ids.length)
      rest = this.#left === undefined ? this.#header(rest) : this.#content(rest);
  }

  #header(chunk: Buffer): Buffer {
    const end = chunk.indexOf(0x0a);
    this.#line = Buffer.concat([this.#line, end < 0 ? chunk : chunk.subarray(0, end)]);
    if (end < 0) return chunk.subarray(chunk.length);
    const line = this.#line.toString('latin1');
    this.#line = Buffer.alloc(0);
    const id = this.#ids[this.place] ?? '';
    const [, type, size] = /^[0-9a-f]+ (blob|tree|commit|tag) (\d+)$/.exec(line) ?? [];
    if (type !== undefined && line.startsWith(`${id} `)) {
      this.#left = Number(size);
      this.#hash = hashOf(formatOfId(id), type, this.#left);
      this.#receiver.begin(this.place, { type, sizeBytes: this.#left });
    } else {
      this.#receiver.damaged(
        this.place++,
        line === `${id} missing` ? 'it is missing' : `git answered "${line.slice(0, 100)}"`,
      );
    }
    return chunk.subarray(end + 1);
  }

  #content(chunk: Buffer): Buffer {
    const left = this.#left ?? 0;
    const part = chunk.subarray(0, left);
    if (part.length > 0) {
      this.#hash?.update(part);
      this.#receiver.data(part);
    }
    this.#left = left - part.length;
    if (chunk.length <= part.length) return chunk.subarray(chunk.length);
    this.#finish(); // The byte after the content is a newline.
    return chunk.subarray(part.length + 1);
  }

  #finish(): void {
    const place = this.place++;
    const isRight = this.#hash?.digest('hex') === this.#ids[place];
    this.#left = undefined;
    if (isRight) this.#receiver.end(place);
    else this.#receiver.damaged(place, 'its content does not have that hash');
  }
}
