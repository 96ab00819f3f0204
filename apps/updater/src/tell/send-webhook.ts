import type { RunMessage } from './run-message.ts';

const TIMEOUT_MS = 10_000;

/** POSTs the message as JSON. Throws when that is not answered with 2xx in 10 s; the error names the host alone, for the rest may be a secret. */
export async function sendWebhook(url: string, message: RunMessage): Promise<void> {
  const { host } = new URL(url);
  let answer: Response;
  try {
    answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(message),
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch (error) {
    throw new Error(`the webhook at ${host} cannot be reached: ${causeOf(error)}`, { cause: error });
  }
  await answer.body?.cancel();
  if (!answer.ok) throw new Error(`the webhook at ${host} answered ${answer.status}`);
}

function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error
    ? error.cause.message || String((error.cause as NodeJS.ErrnoException).code)
    : error.message;
}
