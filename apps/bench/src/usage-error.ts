/** What was typed is wrong; nothing was measured. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
