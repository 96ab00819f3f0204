import { PermissionError } from './errors.ts';

const SYMBOLIC = /^[ugoa]*[-+=][rwxXst]*(,|$)/;

/**
 * The permission bits (0 to 0o7777) of a mode: an octal string ("644", "0644", "0o644") or a number that has the bits
 * themselves (0o644). Throws 'invalid-target' for anything else: symbolic modes, and a number whose decimal digits were
 * meant as octal, as JSON invites (755 is 0o1363).
 */
export function parseMode(mode: string | number, field: string): number {
  const refuse = (why: string, hint: string): never => {
    throw new PermissionError('invalid-target', `${field}: ${JSON.stringify(mode)} ${why}`, { hint });
  };
  if (typeof mode === 'number') {
    if (!Number.isInteger(mode) || mode < 0 || mode > 0o7777)
      return refuse('is not a mode', 'write it in octal: "644" or 0o644');
    if (!isUsual(mode) && isUsual(octal(String(mode))))
      return refuse('reads like octal, but is a decimal number', `write "${mode}" or 0o${mode}`);
    return mode;
  }
  if (/^(0o)?[0-7]{3,5}$/.test(mode) && octal(mode) <= 0o7777) return octal(mode);
  return SYMBOLIC.test(mode)
    ? refuse('is a symbolic mode', 'write all of it in octal, for example "644" for u=rw,go=r')
    : refuse('is not a mode', 'write it in octal, for example "644"');
}

/** For people: at least three octal digits. */
export function formatMode(mode: number): string {
  return mode.toString(8).padStart(3, '0');
}

function octal(digits: string): number {
  const bare = digits.replace(/^0o/, '');
  return /^[0-7]+$/.test(bare) ? Number.parseInt(bare, 8) : Number.NaN;
}

/** Whether nobody has a right that those closer to the file do not have. */
function isUsual(mode: number): boolean {
  if (!(mode <= 0o7777)) return false;
  const [user, group, others] = [(mode >> 6) & 7, (mode >> 3) & 7, mode & 7];
  return (others & ~group) === 0 && (group & ~user) === 0;
}
