/**
 * Stands in every password that a test hands to the program, so that one look at everything that can be seen from outside
 * finds any of them.
 */
export const UNGUESSABLE = 'un9uessable';

/** In base64 a word looks different at each of three places in a group; its inner letters are the same wherever it stands. */
const shapes = [0, 1, 2].map((offset) => {
  const encoded = Buffer.from(' '.repeat(offset) + UNGUESSABLE)
    .toString('base64')
    .replaceAll('=', '');
  return encoded.slice(offset === 0 ? 0 : 4, -3);
});

/** Whether a text shows such a password: as it is, or in base64, as in a header of HTTP. */
export function showsSecret(text: string): boolean {
  return text.includes(UNGUESSABLE) || shapes.some((shape) => text.includes(shape));
}
