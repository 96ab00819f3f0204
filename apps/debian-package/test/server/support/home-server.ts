import { startServer, type Server, type ServerOptions } from '@homeserver/test-support';
import { vi } from 'vitest';
import { packageToTry } from '../../support/package-to-try.ts';

vi.setConfig({ testTimeout: 600_000, hookTimeout: 900_000 }); // They boot, install and wait; nothing here is about how fast.

/** What the servers of these stories have: the package's dependencies, what a home server runs, and ssh for their network. */
export const PACKAGES: readonly string[] = [
  'systemd',
  'systemd-sysv',
  'dbus',
  'procps',
  'git',
  'openssh-client',
  'openssh-server',
  'iproute2',
  'nginx-light',
  'postgresql',
  'curl',
];

/** A Debian without Node, and with the package of this checkout. */
export async function startHomeServer(options: Pick<ServerOptions, 'disk'> = {}): Promise<Server> {
  const file = await packageToTry();
  const server = await startServer({ packages: PACKAGES, ...options });
  await server.copyIn(file, '/root/package.deb');
  await server.run('dpkg --install /root/package.deb');
  return server;
}

/** Settings as the owner writes them. */
export async function configure(server: Server, settings: Record<string, unknown>): Promise<void> {
  await server.run(`cat > /etc/homeserver-updates/config.json <<'end'\n${JSON.stringify(settings, undefined, 2)}\nend`);
}

/** Runs the service, as the timer does, to its end; returns whether it went well. */
export async function runService(server: Server): Promise<boolean> {
  const { exitCode } = await server.attempt('systemctl start homeserver-updates.service', { timeoutMs: 300_000 });
  return exitCode === 0;
}

/** What the journal has of a unit, as `journalctl -u` shows it to the owner; since the last boot. */
export function journalOf(server: Server, unit = 'homeserver-updates', more = ''): Promise<string> {
  return server.run(`journalctl --no-pager -b -u ${unit} ${more}`);
}

/** Waits on the server until a line of shell succeeds; throws with what it said last when it does not in a minute. */
export async function waitUntil(server: Server, condition: string): Promise<void> {
  await server.run(
    `for n in $(seq 600); do if (${condition}) >/dev/null 2>&1; then exit 0; fi; sleep 0.1; done; ${condition}`,
  );
}
