import { readRunRecords, type RunRecord, type Server } from '@homeserver/orchestrator';
import { reasonOf } from '@homeserver/system';
import type { Settings } from '../settings/settings.ts';
import { isWorthTelling, messageOf, type RunMessage } from './run-message.ts';
import { sendMail } from './send-mail.ts';
import { sendWebhook } from './send-webhook.ts';
import { writeMetrics } from './write-metrics.ts';

/**
 * Runs a cycle, and tells monitoring and people of it as far as the settings want that: metrics after every run, a webhook and
 * a mail when it failed or changed something. That somebody could not be told is a warning, and fails no run.
 */
export async function tellingOfIt<T extends { successor?: unknown }>(
  server: Server,
  settings: Settings,
  cycle: () => Promise<T>,
): Promise<T> {
  if (!isAnybodyToBeTold(settings)) return cycle();
  const begun = Math.floor(Date.now() / 1000);
  let isTold = false;
  try {
    const result = await cycle();
    isTold = result.successor !== undefined; // By the release that went on in our place.
    return result;
  } finally {
    const [record] = readRunRecords(server.paths, 1);
    // A cycle that did not get the lock has no record; the newest is somebody else's then.
    if (!isTold && record !== undefined && record.started >= begun) await tell(server, settings, record);
  }
}

function isAnybodyToBeTold({ metricsFile, notifyUrl, notifySmtp }: Settings): boolean {
  return metricsFile !== undefined || notifyUrl !== undefined || notifySmtp !== undefined;
}

async function tell(server: Server, settings: Settings, record: RunRecord): Promise<void> {
  const { metricsFile, notifyUrl, notifySmtp: smtp, notifyMailTo: to, notifyMailFrom: from } = settings;
  const attempt = async (what: string, act: () => void | Promise<void>): Promise<void> => {
    try {
      await act();
    } catch (error) {
      server.logger.warn(`${what}: ${reasonOf(error)}`);
    }
  };
  if (metricsFile !== undefined) await attempt('No metrics', () => writeMetrics(metricsFile, server, record));
  if (!isWorthTelling(record)) return;
  const message: RunMessage = messageOf(record);
  if (notifyUrl !== undefined) await attempt('Not notified', () => sendWebhook(notifyUrl, message));
  if (smtp === undefined) return;
  await attempt('Not notified', () => {
    if (to === undefined) throw new Error('notify.smtp is set, but notify.mailTo is not');
    return sendMail({ smtp, to, ...(from === undefined ? {} : { from }) }, message);
  });
}
