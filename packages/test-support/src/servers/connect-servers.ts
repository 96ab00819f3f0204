import { randomBytes } from 'node:crypto';
import { ensureDebianPackages } from '../debian-packages.ts';
import { hostCommand } from './host-command.ts';
import type { Server } from './start-server.ts';

const ADDRESSES = ['10.77.0.1', '10.77.0.2'] as const;

/**
 * A cable between two servers, which see each other at the addresses that are returned, in the same order. It is gone once
 * one of them is off, and can be laid anew then. Needs `iproute2` on this machine, which is installed if it is missing.
 */
export async function connectServers(...servers: readonly [Server, Server]): Promise<readonly [string, string]> {
  await ensureDebianPackages(['iproute2']);
  const cable = `hut${randomBytes(4).toString('hex')}`;
  const ends = [`${cable}a`, `${cable}b`] as const;
  await hostCommand(['ip', 'link', 'add', ends[0], 'type', 'veth', 'peer', 'name', ends[1]]);
  for (const [at, server] of servers.entries()) {
    const [end, address, pid] = [ends[at] as string, ADDRESSES[at] as string, String(server.leader)];
    await hostCommand(['ip', 'link', 'set', end, 'netns', pid]);
    const inside = ['nsenter', '--net', '--target', pid, 'ip'] as const;
    await hostCommand([...inside, 'link', 'set', end, 'name', 'host0', 'up']);
    await hostCommand([...inside, 'address', 'add', `${address}/24`, 'dev', 'host0']);
  }
  return ADDRESSES;
}
