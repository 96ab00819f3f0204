import { createHash } from 'node:crypto';
import path from 'node:path';
import { readFileText, reasonOf } from '@homeserver/system';
import { z } from 'zod';
import { describeMismatch, StateManagerError } from '../errors.ts';
import type { UnitLink } from './unit-links.ts';

/** services.json: one entry a unit. The words for its states are systemd's own. */
export interface RecordedUnit {
  unit: string;
  /** wanted: it was asked for. part: of such a unit. companion: it stops with such a unit, or starts it again. */
  why: 'wanted' | 'part' | 'companion';
  /** loaded, not-found, masked, bad-setting, ... */
  load_state: string;
  /** enabled, disabled, static, masked, indirect, generated, linked, ...; empty without a unit file. */
  unit_file_state: string;
  /** active, inactive, failed, activating, ... */
  active_state: string;
  /** For people: running, exited, waiting, dead, ... */
  sub_state: string;
  /** By which a later start is told from this one; empty when it was never started. */
  invocation_id: string;
  /** What enables, masks, links or renames it. */
  links: UnitLink[];
}

/** The manifest's section: which units were asked for, and the SHA-256 (hex) of services.json. */
export interface CapturedServices {
  units: string[];
  sha256: string;
}

export const capturedServicesSchema: z.ZodType<CapturedServices> = z.strictObject({
  units: z.array(z.string()),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

const recordSchema = z.strictObject({
  format: z.literal(1),
  units: z.array(
    z.strictObject({
      unit: z.string(),
      why: z.enum(['wanted', 'part', 'companion']),
      load_state: z.string(),
      unit_file_state: z.string(),
      active_state: z.string(),
      sub_state: z.string(),
      invocation_id: z.string(),
      links: z.array(z.strictObject({ path: z.string().startsWith('/'), target: z.string() })),
    }),
  ),
});

export function servicesFile(directory: string): string {
  return path.join(directory, 'services.json');
}

export function formatRecord(units: readonly RecordedUnit[]): { text: string; sha256: string } {
  const lines = units.map((unit) => JSON.stringify(unit)).join(',\n');
  const text = `{"format": 1, "units": [\n${lines}\n]}\n`;
  return { text, sha256: sha256Of(text) };
}

/** Reads services.json of a backup. Throws 'damaged' when it is not what was written. */
export function readRecord(captured: CapturedServices, directory: string): RecordedUnit[] {
  const file = servicesFile(directory);
  let text: string;
  try {
    text = readFileText(file, { followLink: false });
  } catch (error) {
    throw damaged(file, `cannot be read: ${reasonOf(error)}`);
  }
  if (sha256Of(text) !== captured.sha256) throw damaged(file, 'does not match its SHA-256');
  const parsed = recordSchema.safeParse(JSON.parse(text));
  if (parsed.success) return parsed.data.units;
  throw damaged(file, `was written by another version: ${describeMismatch(parsed.error)}`);
}

function sha256Of(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function damaged(file: string, why: string): StateManagerError {
  return new StateManagerError('damaged', `the backup is damaged: ${file} ${why}`, {
    hint: 'nothing live was touched; another backup may still be good: updater backups verify',
  });
}
