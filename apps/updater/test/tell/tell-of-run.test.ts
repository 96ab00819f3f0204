import fs from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { SMTPServer } from 'smtp-server';
import { describe, expect, it, onTestFinished } from 'vitest';
import { repositoryWith } from '../support/module-files.ts';
import { serverFolder } from '../support/server-folder.ts';

/** A real HTTP server that keeps what it was sent. */
async function webhook(status = 204): Promise<{ url: string; bodies: Record<string, unknown>[] }> {
  const bodies: Record<string, unknown>[] = [];
  const server = http.createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      bodies.push(JSON.parse(text) as Record<string, unknown>);
      response.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/s3cret-path`, bodies };
}

/** A real SMTP server that wants a password, and keeps what it was sent. */
async function mailServer(): Promise<{ port: number; mails: { to: string[]; text: string }[] }> {
  const mails: { to: string[]; text: string }[] = [];
  const server = new SMTPServer({
    hideSTARTTLS: true,
    allowInsecureAuth: true,
    onAuth: ({ username, password }, _, done) =>
      password === 's3cret' ? done(null, { user: username }) : done(new Error('wrong password')),
    onData(stream, session, done) {
      let text = '';
      stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
      stream.on('end', () => {
        const to = session.envelope.rcptTo.map(({ address }) => address);
        mails.push({ to, text: text.replaceAll('=\r\n', '') }); // Long lines are cut so.
        done();
      });
    },
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
  return { port: (server.server.address() as AddressInfo).port, mails };
}

const failing = { broken: { version: '1.0.0', main: `throw new Error('it broke');` } };

describe('after a run', { timeout: 60_000 }, () => {
  it('a webhook hears of what changed, and nothing of a run that changed nothing', async () => {
    const server = await serverFolder();
    await server.repository.commit(repositoryWith({ one: { version: '1.0.0' } }));
    const { url, bodies } = await webhook();
    const run = () => server.start(['run'], { environment: { UPDATER_NOTIFY_URL: url } }).ended;
    expect((await run()).exitCode).toBe(0);
    expect(bodies).toEqual([
      {
        schema: 'homeserver-updates/notification@1',
        server: os.hostname(),
        run: expect.stringMatching(/^\d{8}T/),
        outcome: 'ok',
        summary: `${os.hostname()}: updated (1 new)`,
        details: ['updated: one new → 1.0.0'],
      },
    ]);
    expect((await run()).exitCode).toBe(0);
    expect(bodies).toHaveLength(1);
  });

  it('a mail says what failed, and where to look', async () => {
    const server = await serverFolder();
    await server.repository.commit(repositoryWith(failing));
    const { port, mails } = await mailServer();
    const environment = {
      UPDATER_NOTIFY_SMTP: `smtp://me:s3cret@127.0.0.1:${port}`,
      UPDATER_NOTIFY_MAIL_TO: 'owner@example.org',
    };
    const { exitCode, stdout } = await server.start(['run'], { environment }).ended;
    expect(exitCode).toBe(3);
    expect(stdout).not.toContain('Not notified');
    expect(mails).toEqual([
      { to: ['owner@example.org'], text: expect.stringMatching(/^Subject: .*update with failures/m) },
    ]);
    expect(mails[0]?.text).toContain('failed: broken: it broke');
    expect(mails[0]?.text).toMatch(/^See: updater history \d{8}T/m);
  });

  it('people hear of a repository that cannot be reached', async () => {
    const server = await serverFolder();
    const { url, bodies } = await webhook();
    const environment = { UPDATER_NOTIFY_URL: url, UPDATER_REPO_URL: `file://${server.root}/none` };
    expect((await server.start(['run'], { environment }).ended).exitCode).toBe(6);
    expect(bodies).toMatchObject([{ outcome: 'refused', details: [expect.stringContaining('none')] }]);
  });

  it('that nobody could be told fails no run, and no secret is in the warning', async () => {
    const server = await serverFolder();
    await server.repository.commit(repositoryWith({ one: { version: '1.0.0' } }));
    const { url } = await webhook(500);
    const { port } = await mailServer();
    const environment = {
      UPDATER_NOTIFY_URL: url,
      UPDATER_NOTIFY_SMTP: `smtp://me:wr0ng@127.0.0.1:${port}`,
      UPDATER_NOTIFY_MAIL_TO: 'owner@example.org',
      UPDATER_METRICS_FILE: path.join(server.logFile, 'metrics'),
    };
    const { exitCode, stdout, stderr } = await server.start(['run'], { environment }).ended;
    expect([exitCode, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/\[WARNING\] Not notified: the webhook at 127\.0\.0\.1:\d+ answered 500\n/);
    expect(stdout).toMatch(/\[WARNING\] Not notified: the mail server 127\.0\.0\.1:\d+ did not take the mail: .+\n/);
    expect(stdout).toMatch(/\[WARNING\] No metrics: .+\n/);
    expect(stdout).not.toMatch(/s3cret|wr0ng/);
  });

  it('metrics are in their file, readable for the collector', async () => {
    const server = await serverFolder();
    await server.repository.commit(repositoryWith(failing));
    const file = path.join(server.root, 'metrics/updates.prom');
    await server.start(['run', '--metrics-file', file]).ended;
    const text = fs.readFileSync(file, 'utf8');
    expect(text).toMatch(/^homeserver_updates_last_run_success 0$/m);
    expect(text).toMatch(/^homeserver_updates_last_run_phase_duration_seconds\{phase="sync"\} [\d.]+$/m);
    expect(text).toMatch(/^homeserver_updates_module_success\{module="broken",outcome="failed"\} 0$/m);
    expect(fs.statSync(file).mode & 0o777).toBe(0o644);
    expect(fs.readdirSync(path.dirname(file))).toEqual(['updates.prom']);
  });

  it('an address that is none is refused before anything is done, without being repeated', async () => {
    const server = await serverFolder();
    const { exitCode, stderr } = await server.start(['run'], { environment: { UPDATER_NOTIFY_URL: 'ftp://s3cret' } })
      .ended;
    expect([exitCode, stderr]).toEqual([
      2,
      'updater: UPDATER_NOTIFY_URL: must be an address that begins with https:// or http://\n',
    ]);
  });
});
