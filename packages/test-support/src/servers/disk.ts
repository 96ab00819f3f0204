import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runCommand } from '@homeserver/system';
import { ensureDebianPackages } from '../debian-packages.ts';
import { hostCommand } from './host-command.ts';

export type DiskKind = 'keeps' | 'forgets';

/** What a server has written, over a base that it shares with others. */
export interface Disk {
  /** Where the server's file system is mounted. */
  readonly root: string;
  insert(): Promise<void>;
  /** From now on nothing reaches the disk any more; of one that forgets, what was not synced is lost. */
  forget(): Promise<void>;
  /** After `forget`, when nothing of the server runs: the disk as the power cut has left it. */
  reinsert(): Promise<void>;
}

const LET_GO_TIMEOUT_MS = 60_000;
const SIZE_BYTES = 4 * 1024 ** 3; // Sparse: it takes what is written.

/**
 * A disk in `directory`, not yet inserted. One that keeps is a directory of this machine. One that forgets is an XFS of its own
 * on a loop device, which can be cut off from its writers in an instant (xfs_io(8), `shutdown`); XFS needs `xfsprogs`, which
 * is installed if it is missing.
 */
export async function makeDisk(directory: string, base: string, kind: DiskKind = 'keeps'): Promise<Disk> {
  if (kind === 'keeps') return new Overlay(directory, base);
  const missing = await ensureDebianPackages(['xfsprogs']);
  if (missing.length > 0) throw new Error('a disk that forgets needs the Debian package xfsprogs');
  const image = path.join(directory, 'disk.xfs');
  fs.writeFileSync(image, '');
  fs.truncateSync(image, SIZE_BYTES);
  await hostCommand(['mkfs.xfs', '-q', image]);
  return new ForgetfulOverlay(directory, base, image);
}

class Overlay implements Disk {
  readonly root: string;
  readonly #base: string;
  readonly #layers: string;

  constructor(directory: string, base: string, layers = directory) {
    this.root = path.join(directory, 'root');
    this.#base = base;
    this.#layers = layers;
  }

  async insert(): Promise<void> {
    const [upper, work] = ['upper', 'work'].map((name) => path.join(this.#layers, name));
    for (const place of [upper, work, this.root]) fs.mkdirSync(place as string, { recursive: true });
    const options = `lowerdir=${this.#base},upperdir=${upper},workdir=${work}`;
    await hostCommand(['mount', '-t', 'overlay', 'overlay', '-o', options, this.root]);
  }

  async forget(): Promise<void> {}

  async reinsert(): Promise<void> {}
}

class ForgetfulOverlay extends Overlay {
  readonly #image: string;
  readonly #mountPoint: string;

  constructor(directory: string, base: string, image: string) {
    const mountPoint = path.join(directory, 'disk');
    super(directory, base, mountPoint);
    this.#image = image;
    this.#mountPoint = mountPoint;
  }

  override async insert(): Promise<void> {
    fs.mkdirSync(this.#mountPoint, { recursive: true });
    await hostCommand(['mount', '-t', 'xfs', '-o', 'loop', this.#image, this.#mountPoint]);
    await super.insert();
  }

  override async forget(): Promise<void> {
    await hostCommand(['xfs_io', '-x', '-c', 'shutdown', this.#mountPoint]);
  }

  override async reinsert(): Promise<void> {
    await hostCommand(['umount', this.root]);
    await hostCommand(['umount', this.#mountPoint]);
    await this.#letGo();
    await this.insert();
  }

  /** A mount namespace that was copied meanwhile (another server that boots) may hold the old mount for a moment. */
  async #letGo(): Promise<void> {
    const deadline = Date.now() + LET_GO_TIMEOUT_MS;
    const isHeld = async (): Promise<boolean> =>
      (await runCommand(['losetup', '--associated', this.#image])).stdout.length > 0;
    while (await isHeld()) {
      if (Date.now() > deadline) throw new Error(`${this.#image} stays in use after a power cut`);
      await sleep(50);
    }
  }
}
