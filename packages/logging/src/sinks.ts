import fs from 'node:fs';
import { errnoName, reasonOf } from '@homeserver/system';
import { LoggingError } from './errors.ts';
import { RotatingFile, type Rotation } from './rotating-file.ts';

/** Where finished lines go. Writing is synchronous, so that no line is lost when the process ends or is killed. */
export interface Sink {
  /** Throws what the file system says. */
  write(line: string): void;
  close(): void;
}

const RETRY_AFTER_MS = 5;
const RETRIES = 200;

/** Appends to a file. Throws LoggingError 'cannot-open'. */
export function openFileSink(file: string, rotation: Rotation = {}): Sink {
  try {
    let open: RotatingFile | undefined = new RotatingFile(file, rotation);
    return {
      write: (line) => open?.write(line),
      close() {
        open?.close();
        open = undefined;
      },
    };
  } catch (error) {
    throw new LoggingError('cannot-open', `cannot open the log file ${file}: ${reasonOf(error)}`, {
      cause: error,
      hint: 'give a file that this user can write to',
    });
  }
}

/** A console given as a descriptor. A reader that went away (EPIPE) is no reason to stop an update; a slow one is waited for. */
export function openDescriptorSink(fd: number): Sink {
  return {
    write(line) {
      const data = Buffer.from(line);
      for (let done = 0, retries = 0; done < data.length;) {
        try {
          done += fs.writeSync(fd, data, done);
        } catch (error) {
          if (errnoName(error) !== 'EAGAIN' || retries++ >= RETRIES) return;
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_AFTER_MS);
        }
      }
    },
    close() {},
  };
}

const guarded = new WeakSet<NodeJS.WritableStream>();

/** A console given as a stream, e.g. the one that a progress display writes around. It stays open. */
export function openStreamSink(stream: NodeJS.WritableStream): Sink {
  if (!guarded.has(stream)) stream.on('error', () => {}); // Without a listener, a reader that went away would end the process.
  guarded.add(stream);
  return { write: (line) => void stream.write(line), close() {} };
}
