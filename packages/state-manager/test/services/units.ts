import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';

/* Units of a test's own, on a server whose systemd the test runs under. Their names begin with hu-. */

/** Where an administrator puts unit files, and where a program that is installed does: only the latter can be masked. */
const UNIT_FILES = '/etc/systemd/system';
export const INSTALLED_UNIT_FILES = '/usr/local/lib/systemd/system';

/** Runs a line of shell as root of the server; what it says is returned, and thrown when it fails. */
export function shell(line: string): string {
  return execFileSync('sh', ['-c', line], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** A service that runs until it is stopped. */
export const SLEEPER = '[Service]\nExecStart=/bin/sleep 100000\n[Install]\nWantedBy=multi-user.target\n';

/** Writes unit files and has systemd read them; when the test ends, every unit whose name begins with hu- is gone. */
export function makeUnits(units: Readonly<Record<string, string>>, place: string = UNIT_FILES): void {
  onTestFinished(removeUnits);
  fs.mkdirSync(place, { recursive: true });
  for (const [name, content] of Object.entries(units)) fs.writeFileSync(path.join(place, name), content);
  shell('systemctl daemon-reload');
}

function removeUnits(): void {
  shell("systemctl stop 'hu-*'; systemctl reset-failed 'hu-*'; true");
  shell(`find ${UNIT_FILES} ${INSTALLED_UNIT_FILES} /run/systemd/system -name 'hu-*' -delete 2>/dev/null; true`);
  shell('systemctl daemon-reload');
}

/** One line a unit: its states, and the links that enable, mask or rename it. What failed is stopped, as far as we care. */
export function describeUnits(units: readonly string[]): string[] {
  const states = shell(`systemctl show -p LoadState,UnitFileState,ActiveState --value -- ${units.join(' ')}`);
  const links = shell(`find ${UNIT_FILES} /run/systemd/system -name 'hu-*' -type l -printf '%p->%l\\n' | sort`).split(
    '\n',
  );
  return states.split('\n\n').map((state, at) => {
    const own = links.filter((link) => link.split('->')[0]?.endsWith(`/${units[at]}`));
    return [units[at], state.trim().replace('failed', 'inactive').replaceAll('\n', ' '), ...own].join(' ');
  });
}

export const isActive = (unit: string): boolean =>
  shell(`systemctl show -p ActiveState --value -- ${unit}`).trim() === 'active';

export const mainPid = (unit: string): string => shell(`systemctl show -p MainPID --value ${unit}`).trim();

/** The inode that the main process of a unit has open under this path. */
export function inodeHeldBy(unit: string, file: string): number | undefined {
  const descriptors = `/proc/${mainPid(unit)}/fd`;
  const held = fs.readdirSync(descriptors).find((fd) => fs.readlinkSync(path.join(descriptors, fd)).startsWith(file));
  return held === undefined ? undefined : fs.statSync(path.join(descriptors, held)).ino;
}

/** A service counts as started before it has opened anything. */
export async function startHolding(unit: string, file: string): Promise<void> {
  shell(`systemctl start ${unit}`);
  while (inodeHeldBy(unit, file) === undefined) await sleep(10);
}
