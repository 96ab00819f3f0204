import { Worker } from 'node:worker_threads';
import { BATCH_FILE_BYTES, copyBatch, type CopyBatch } from './copy-batch.ts';
import { hashPieces, type HashRing } from './hash-ring.ts';

/** A second thread that does what it is sent, in that order. */
export interface CopyThread {
  /** To be copied, unless somebody else has taken it by then. */
  copy(batch: CopyBatch): void;
  hash(ring: HashRing): void;
  end(): void;
}

/** Runs from its text: a bundle or a single executable has no file that could be given to it. */
const program = `'use strict';
const fs = process.getBuiltinModule('node:fs');
const crypto = process.getBuiltinModule('node:crypto');
const { parentPort } = process.getBuiltinModule('node:worker_threads');
const buffers = { content: Buffer.allocUnsafeSlow(${BATCH_FILE_BYTES}), echo: Buffer.allocUnsafeSlow(${BATCH_FILE_BYTES}) };
const copyBatch = ${copyBatch.toString()};
const hashPieces = ${hashPieces.toString()};
parentPort.on('message', ({ batch, ring }) => {
  if (ring !== undefined) return hashPieces(ring, fs, crypto, buffers.echo);
  if (Atomics.compareExchange(batch.state, 0, 0, 1) !== 0) return;
  try {
    copyBatch(batch, fs, crypto, buffers);
  } finally {
    Atomics.store(batch.state, 0, 2);
    Atomics.notify(batch.state, 0);
  }
});`;

/** Whether it comes up shows only in what it does: one that fails takes no batch. */
export function startCopyThread(): CopyThread {
  const worker = new Worker(program, { eval: true, execArgv: [], env: {}, trackUnmanagedFds: false });
  worker.on('error', () => undefined);
  worker.unref();
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  const send = (message: { batch: CopyBatch } | { ring: HashRing }): void => worker.postMessage(message);
  return {
    copy: (batch) => send({ batch }),
    hash: (ring) => send({ ring }),
    end: () => void worker.terminate(),
  };
}
