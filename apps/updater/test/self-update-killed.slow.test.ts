import fs from 'node:fs';
import path from 'node:path';
import { ORCHESTRATOR_VERSION as INSTALLED } from '@homeserver/orchestrator';
import {
  atEachPoint,
  countCalls,
  describeUnderSupervision,
  faultPoints,
  killAtCall,
  type SupervisionOptions,
} from '@homeserver/test-support';
import { expect, it, vi } from 'vitest';
import { processesWith } from './support/kill-everything.ts';
import { repositoryWith } from './support/module-files.ts';
import { releaseTree } from './support/releases.ts';
import { program } from './support/run-updater.ts';
import { serverFolder, type ServerFolder } from './support/server-folder.ts';

vi.setConfig({ testTimeout: 3_600_000 });

const NEXT = '1.1.0';
const mutable = ['lib', 'state', 'backups'] as const;
const modulesAt = (version: string) => repositoryWith({ one: { version }, two: { version } });

interface SelfUpdateUnderFire {
  server: ServerFolder;
  reset(): void;
  watched: SupervisionOptions;
}

/** A server at 1.0.0, whose repository has 2.0.0 of both modules and a newer updater. */
async function selfUpdateUnderFire(): Promise<SelfUpdateUnderFire> {
  const server = await serverFolder();
  const template = path.join(server.root, 'template');
  const copy = (from: string, to: string): void => {
    for (const name of mutable) {
      fs.rmSync(path.join(to, name), { recursive: true, force: true });
      fs.cpSync(path.join(from, name), path.join(to, name), { recursive: true, verbatimSymlinks: true });
    }
  };
  await server.repository.commit(modulesAt('1.0.0'));
  await server.updater('run');
  copy(server.root, template);
  await server.repository.commit({ ...modulesAt('2.0.0'), ...(await releaseTree({ version: NEXT })) });
  const environment = { PATH: process.env['PATH'] ?? '', HOME: server.root, TMPDIR: server.root };
  return {
    server,
    reset: () => copy(template, server.root),
    watched: {
      under: mutable.map((name) => path.join(server.root, name)),
      env: { ...environment, ...server.environment },
      alsoExec: true,
      timeoutMs: 300_000,
    },
  };
}

/** What is wrong after a cut, and after the next run, which has to bring everything to its end. */
async function judge({ server }: SelfUpdateUnderFire): Promise<string[]> {
  const start = async (...args: string[]) => server.start(args, { environment: { TMPDIR: server.root } }).ended;
  const atOnce = await start('--version');
  const isWhole = atOnce.exitCode === 0 && [INSTALLED, NEXT].includes(atOnce.stdout.trim()) && atOnce.stderr === '';
  const { exitCode, stderr } = await start('run');
  const later = (await start('--version')).stdout.trim();
  const link = fs.readlinkSync(path.join(server.modulesPath, 'orchestrator/current'));
  const record = JSON.parse(fs.readFileSync(path.join(server.stateDir, 'orchestrator.json'), 'utf8')) as {
    proven: string;
    unproven?: object;
    failed?: object[];
  };
  const left = fs
    .readdirSync(server.root, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tmp\b/.test(name));
  const isProven = record.proven === NEXT && record.unproven === undefined && (record.failed ?? []).length === 0;
  const index = JSON.stringify(server.index());
  return [
    ...(isWhole ? [] : [`--version answered ${JSON.stringify(atOnce)}`]),
    ...(exitCode === 0 ? [] : [`the next run ended with ${exitCode}: ${stderr}`]),
    ...(later === NEXT && link === `releases/${NEXT}` ? [] : [`${later} runs, current is ${link}`]),
    ...(isProven ? [] : [`the record says ${JSON.stringify(record)}`]),
    ...(index === '{"one":"2.0.0","two":"2.0.0"}' ? [] : [`the index says ${index}`]),
    ...left.map((name) => `left over: ${name}`),
    ...processesWith('TMPDIR', server.root).map((words) => `still running: ${words}`),
  ];
}

await describeUnderSupervision('a cycle in which the updater updates itself, killed at any call,', () => {
  it('leaves an updater that starts, and the next run finishes it all', async () => {
    const lanes = [await selfUpdateUnderFire(), await selfUpdateUnderFire()] as const;
    const command: [string, ...string[]] = [process.execPath, program, 'run'];
    lanes[0].reset();
    const { calls, exitCode } = await countCalls(command, lanes[0].watched);
    expect(exitCode).toBe(0);
    const problems = await atEachPoint(faultPoints(calls.length, 16), async (n, lane) => {
      const fire = lanes[lane] ?? lanes[0];
      fire.reset();
      const { firedAt } = await killAtCall(command, n, fire.watched);
      return (await judge(fire)).map((problem) => `killed at call ${n} of ${calls.length} (${firedAt}): ${problem}`);
    });
    expect(problems).toEqual([]);
  });
});
