import fs from 'node:fs';

/** Names of the numeric ids on this machine, read once from /etc/passwd and /etc/group; an id without a name has none. */
export interface AccountNames {
  user(uid: number): string | undefined;
  group(gid: number): string | undefined;
}

export function readAccountNames(): AccountNames {
  const users = namesIn('/etc/passwd');
  const groups = namesIn('/etc/group');
  return { user: (uid) => users.get(uid), group: (gid) => groups.get(gid) };
}

function namesIn(file: string): Map<number, string> {
  const names = new Map<number, string>();
  let text = '';
  try {
    text = fs.readFileSync(file, 'utf8');
  } catch {
    return names; // A rescue system may have none; the numbers are what counts.
  }
  for (const line of text.split('\n')) {
    const [name, , id] = line.split(':');
    if (name && id !== undefined && /^\d+$/.test(id) && !names.has(Number(id))) names.set(Number(id), name);
  }
  return names;
}
