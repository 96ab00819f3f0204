import { expect } from 'vitest';
import type { repositoryWith } from './module-files.ts';

export interface Misbehaviours {
  modules: Parameters<typeof repositoryWith>[0];
  /** How each ends: `succeeded`, or the error. */
  endings: Record<string, unknown>;
}

interface Misbehaviour {
  main: string;
  ends: string | RegExp;
  timeoutSeconds?: number;
}

/** A module for each way to misbehave that is known to break such systems, and beside each one that behaves. */
export function misbehaviours(root: string): Misbehaviours {
  const daemon = `const { spawn } = await import('node:child_process');
    spawn('setsid', ['sh', '-c', 'echo $$ > ${root}/daemon; sleep 1000'], { stdio: 'inherit', detached: true }).unref();
    while (!fs.existsSync('${root}/daemon')) await new Promise((go) => setTimeout(go, 5));`;
  const ways: Record<string, Misbehaviour> = {
    throws: { main: `throw new Error('no disk');`, ends: /^no disk \(index\.ts:\d+\)$/ },
    'exits-0': { main: 'process.exit(0);', ends: 'ended the process with exit code 0 before main() was done' },
    'exits-1': { main: 'process.exit(1);', ends: 'ended the process with exit code 1 before main() was done' },
    'kills-itself': {
      main: `process.kill(process.pid, 'SIGKILL'); await new Promise(() => {});`,
      ends: 'was killed by SIGKILL',
    },
    'never-settles': { main: 'await new Promise(() => {});', ends: 'did not end within 2 s', timeoutSeconds: 2 },
    'busy-loops': { main: 'for (;;);', ends: 'did not end within 2 s', timeoutSeconds: 2 },
    'prints-1-gb': {
      main: `const { spawnSync } = await import('node:child_process');
        const line = 'x'.repeat(99);
        const { status } = spawnSync('sh', ['-c', 'yes ' + line + ' | head -c 1G'], { stdio: ['ignore', 'inherit', 'inherit'] });
        return { success: status === 0 };`,
      ends: 'succeeded',
    },
    'keeps-stdout-open': { main: `${daemon} return { success: true };`, ends: 'succeeded' },
    'fills-memory': {
      main: 'const all = []; for (;;) all.push(new Array(1_000_000).fill(0.5));',
      ends: /^was killed by SIGABRT: FATAL ERROR: .*heap out of memory$/,
    },
    'returns-nothing': { main: '', ends: 'main() returned nothing; { success: boolean } is needed' },
    'returns-text': { main: `return 'junk';`, ends: `main() returned 'junk'; { success: boolean } is needed` },
    'returns-success-as-text': {
      main: `return { success: 'false' };`,
      ends: `main() returned success: 'false'; true or false is needed`,
    },
    'damages-itself': { main: `fs.rmSync(import.meta.filename); return { success: true };`, ends: 'succeeded' },
    'deletes-its-backup': {
      main: `await context.state.guard(context.name, { files: [context.stateDir] }, async () => {
          fs.rmSync(context.state.backupDir + '/' + context.name + '_backup', { recursive: true });
        });
        return { success: true };`,
      ends: 'succeeded',
    },
  };
  const modules = Object.entries(ways).flatMap(([name, { main, timeoutSeconds = 60 }]) => {
    const metadata = { timeoutSeconds };
    return [
      [name, { version: '1.0.0', main, metadata }],
      [`${name}-next`, { version: '1.0.0', metadata }],
    ];
  });
  const endings = Object.entries(ways).flatMap(([name, { ends }]) => [
    [name, typeof ends === 'string' ? ends : (expect.stringMatching(ends) as unknown)],
    [`${name}-next`, 'succeeded'],
  ]);
  return { modules: Object.fromEntries(modules), endings: Object.fromEntries(endings) };
}

/** As `endings`, of the modules in the answer of a run. */
export function endingsOf(
  modules: readonly { name: string; status: string; error?: string }[],
): Record<string, unknown> {
  return Object.fromEntries(modules.map(({ name, status, error }) => [name, error ?? status]));
}
