import { StateManagerError } from '../errors.ts';

/** Types that can be started and stopped by name; slices, scopes and devices come and go by themselves. */
const TYPES = ['service', 'socket', 'timer', 'path', 'mount', 'automount', 'swap', 'target'];
const MAX_LENGTH = 255;

/**
 * The full name of a unit as systemctl understands it: `nginx` is `nginx.service`. Throws 'invalid-request', naming it, for
 * what is no unit name, for a template without an instance, and for units that cannot be started.
 */
export function unitName(asked: string): string {
  const name = TYPES.some((type) => asked.endsWith(`.${type}`)) ? asked : `${asked}.service`;
  if (!/^[A-Za-z0-9:_.\\@][A-Za-z0-9:_.\\@-]*$/.test(asked) || name.length > MAX_LENGTH) {
    throw refusal(asked, 'it is no name of a systemd unit');
  }
  if (/@\.[a-z]+$/.test(name))
    throw refusal(asked, `it is a template: name an instance, such as ${name.replace('@.', '@1.')}`);
  if (/\.(slice|scope|device)$/.test(asked)) throw refusal(asked, 'units of this type cannot be started');
  return name;
}

function refusal(asked: string, why: string): StateManagerError {
  return new StateManagerError('invalid-request', `cannot capture the service ${JSON.stringify(asked)}: ${why}`);
}
