import { SystemError } from '../../src/errors.ts';

/** The SystemError that `act` throws or rejects with; any other error passes through. */
export async function failure(act: () => unknown): Promise<SystemError> {
  try {
    await act();
  } catch (error) {
    if (error instanceof SystemError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
