import fs from 'node:fs';
import path from 'node:path';
import { readFileText, removeFileDurably, writeJsonDurably } from '@homeserver/system';

/** Runs that a proven release may die in, one after the other. */
const DEATHS_ALLOWED = 3;

/** <stateDir>/orchestrator_deaths.json: a release, and in how many runs it has died since one last came to its end. */
function fileOf(stateDir: string): string {
  return path.join(stateDir, 'orchestrator_deaths.json');
}

/**
 * Why a proven release is not to be started any more, one line: something may have changed on this machine that it cannot
 * live with. undefined as long as it may be; also when nothing can be read.
 */
export function whyNotToStart(stateDir: string, version: string): string | undefined {
  return deathsOf(stateDir, version) < DEATHS_ALLOWED ? undefined : `it died in its last ${DEATHS_ALLOWED} runs`;
}

/** A run of a proven release died. It cannot say so itself; whoever started it does. Never throws. */
export function noteDeath(stateDir: string, version: string): void {
  try {
    writeJsonDurably(fileOf(stateDir), { format: 1, version, deaths: deathsOf(stateDir, version) + 1 });
  } catch {
    // Without a note it is started again, as it would have been.
  }
}

/** A run came to its end, or another release takes over. Never throws: a run that is done must not fail for a note. */
export function forgetDeaths(stateDir: string): void {
  try {
    if (fs.existsSync(fileOf(stateDir))) removeFileDurably(fileOf(stateDir));
  } catch {
    // What cannot be removed, a directory say, is no note either, or is counted on.
  }
}

function deathsOf(stateDir: string, version: string): number {
  try {
    const noted = JSON.parse(readFileText(fileOf(stateDir))) as Record<string, unknown>;
    const { format, version: of, deaths } = noted;
    return format === 1 && of === version && typeof deaths === 'number' ? deaths : 0;
  } catch {
    return 0;
  }
}
