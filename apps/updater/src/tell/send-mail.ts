import os from 'node:os';
import type { RunMessage } from './run-message.ts';

const TIMEOUT_MS = 10_000;

export interface MailSettings {
  /** smtp://[user:password@]host[:port], or smtps://. */
  smtp: string;
  to: string;
  /** Default: updater@<host name>. */
  from?: string;
}

/** Sends the message as plain text. Throws when the server does not take it; the error never has the password. */
export async function sendMail({ smtp, to, from }: MailSettings, message: RunMessage): Promise<void> {
  const { createTransport } = await import('nodemailer'); // Few runs need it.
  const transport = createTransport({
    url: smtp,
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
  });
  const text = [...message.details, '', `See: updater history ${message.run}`, ''].join('\n');
  try {
    await transport.sendMail({ from: from ?? `updater@${os.hostname()}`, to, subject: message.summary, text });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`the mail server ${new URL(smtp).host} did not take the mail: ${why}`, { cause: error });
  } finally {
    transport.close();
  }
}
