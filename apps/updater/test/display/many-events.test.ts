import { Writable } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { CycleEvent } from '@homeserver/orchestrator';
import { describe, expect, it } from 'vitest';
import { eventLines } from '../../src/display/event-lines.ts';
import { LiveList } from '../../src/display/live-list.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** A terminal of which nobody keeps what is written. */
function terminal(): NodeJS.WriteStream {
  const stream = new Writable({ write: (_chunk, _encoding, done) => done() });
  return Object.assign(stream, { isTTY: true, columns: 80, rows: 24 }) as unknown as NodeJS.WriteStream;
}

function listenersOf(...emitters: NodeJS.EventEmitter[]): number {
  return emitters.reduce(
    (sum, emitter) => sum + emitter.eventNames().reduce((count, name) => count + emitter.listenerCount(name), 0),
    0,
  );
}

describe('a display', { timeout: 60_000 }, () => {
  it('holds no more memory and no more listeners after many events', () => {
    const screen = terminal();
    const list = new LiveList(screen, { keepsEnded: true });
    const lines = eventLines(() => {});
    const ended = { version: '1.0.0', changed: false, reverted: [], rollbackFailed: [], durationMs: 1 };
    const tell = (count: number): void => {
      for (let at = 0; at < count; at += 1) {
        const events: CycleEvent[] = [
          { type: 'module', state: 'begun', name: `m${at}`, version: '1.0.0' },
          { type: 'module', state: 'succeeded', name: `m${at}`, ...ended },
        ];
        for (const event of events) for (const display of [list, lines]) display.onEvent(event);
        list.onProgress({ phase: 'capture', filesDone: at, bytesDone: at, bytesPerSecond: 1 });
        list.showMessage({ time: 0, level: 'WARNING', message: `message ${at}` });
      }
    };
    tell(100);
    collectGarbage();
    const [heap, listeners] = [process.memoryUsage().heapUsed, listenersOf(screen, process, process.stdout)];
    tell(20_000);
    collectGarbage();
    expect(listenersOf(screen, process, process.stdout)).toBe(listeners);
    expect(process.memoryUsage().heapUsed - heap).toBeLessThan(4 * 1024 * 1024);
    list.end();
  });
});
