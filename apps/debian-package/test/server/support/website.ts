import fs from 'node:fs';
import path from 'node:path';
import type { Server, TreeNode } from '@homeserver/test-support';
import { hotfixTree } from './update-repository.ts';

const CONFIGURATION = '/etc/nginx/conf.d/website.conf';
const ANSWERS = '/srv/answers';
const REQUEST = "curl -sS --max-time 5 -w '%{http_code} ' -o /srv/page http://localhost/";

/** The configuration of a website that answers every request with a word. */
export const websiteThatSays = (word: string): string =>
  `server { listen 80 default_server; location / { return 200 "${word}"; } }\n`;

/** nginx serves a website of the owner's. */
export async function startWebsite(server: Server, word: string): Promise<void> {
  fs.rmSync(path.join(server.root, 'etc/nginx/sites-enabled/default'));
  fs.writeFileSync(path.join(server.root, CONFIGURATION), websiteThatSays(word));
  await server.run('nginx -t -q && systemctl restart nginx');
}

/**
 * The hotfix module with one pool, `website`: the configuration, and a closure that fails unless nginx takes it and the
 * website answers. `first` is a line of shell before these.
 */
export function websitePool(version: string, configuration: string, first?: string): { [name: string]: TreeNode } {
  const pool = {
    id: 'website',
    operations: [{ target: 'src/website.conf', destination: CONFIGURATION }],
    closure: [
      ...(first === undefined ? [] : [first]),
      'nginx -t',
      'systemctl reload nginx',
      'sleep 0.5', // The reload is done by then.
      'curl -fsS http://localhost/',
    ],
  };
  return hotfixTree(
    { metadata: { schema_version: version, name: 'hotfix', priority: 'critical' }, pools: [pool] },
    { 'website.conf': configuration },
  );
}

/** Somebody who asks for the page all the time, and writes down each answer. */
export async function startVisitor(server: Server): Promise<void> {
  const visit = `while :; do ${REQUEST} >> ${ANSWERS}; cat /srv/page >> ${ANSWERS}; echo >> ${ANSWERS}; sleep 0.02; done`;
  fs.writeFileSync(path.join(server.root, 'srv/visit'), visit);
  await server.run('systemd-run --quiet --unit=visitor sh /srv/visit');
}

/** What the visitor was answered since this was asked last: `200 old`. Waits for so many answers from now. */
export async function visitorsAnswers(server: Server, atLeast = 1): Promise<string[]> {
  const text = await server.run(
    `had=$(wc -l < ${ANSWERS}); until [ $(wc -l < ${ANSWERS}) -ge $((had + ${atLeast})) ]; do sleep 0.02; done
    cat ${ANSWERS}; : > ${ANSWERS}`,
  );
  return text.trim().split('\n');
}
