import { randomBytes } from 'node:crypto';
import { canMakeScopes, moveIntoScope, predecessors, reasonOf, serviceAround, type Logger } from '@homeserver/system';

/**
 * Moves this process out of the service whose program has started it, into a scope of its own: a module, or a restore,
 * may then stop or restart that service. Does nothing where there is none. That it cannot be done is only told.
 */
export async function leaveService(logger: Logger): Promise<void> {
  if (!canMakeScopes()) return;
  try {
    const service = await serviceAround();
    if (service === undefined) return;
    const scope = `homeserver-updater-${process.pid}-${randomBytes(4).toString('hex')}.scope`;
    await moveIntoScope([process.pid, ...predecessors()], scope, `updater, started from ${service}`);
    logger.info(`Started from ${service}; it goes on in a scope of its own when that is stopped`);
  } catch (error) {
    logger.warn(`${reasonOf(error)}; stopping the service that started the updater would end it`);
  }
}
