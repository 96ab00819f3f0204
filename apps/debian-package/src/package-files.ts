import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { executablePath, type Architecture } from '@homeserver/program-build';

export interface PackageFile {
  /** Without the leading slash. */
  path: string;
  content: Buffer;
  /** Default 0644. */
  mode?: number;
}

const files = path.join(import.meta.dirname, '../files');
const apps = path.join(import.meta.dirname, '../..');
const updater = path.join(apps, 'updater');
const emergency = path.join(apps, 'rollback-standalone');

/** Every file that the package installs. What its programs print is asked of the same programs in this checkout, which run here. */
export function layOut(about: { version: string; sourceDate: number; architecture: Architecture }): PackageFile[] {
  const { version, sourceDate, architecture } = about;
  return [
    executable('usr/bin/updater', executablePath(updater, architecture)),
    executable('usr/bin/rollback-standalone', executablePath(emergency, architecture)),
    ...units(),
    from('tmpfiles.conf', 'usr/lib/tmpfiles.d/homeserver-updates.conf'),
    from('logrotate', 'etc/logrotate.d/homeserver-updates'),
    from('config.json', 'etc/homeserver-updates/config.json'),
    printed(['config', 'schema'], 'usr/share/homeserver-updates/config.schema.json'),
    ...schemas(updater, ['schema'], ''),
    ...schemas(emergency, ['--schema'], 'rollback-'),
    printed(['completion', 'bash'], 'usr/share/bash-completion/completions/updater'),
    printed(['completion', 'zsh'], 'usr/share/zsh/vendor-completions/_updater'),
    printed(['completion', 'fish'], 'usr/share/fish/vendor_completions.d/updater.fish'),
    manual(answer(updater, ['manual', 'updater']), 'man8/updater.8'),
    manual(answer(updater, ['manual', 'settings']), 'man5/homeserver-updates.json.5'),
    manual(emergencyPage(version), 'man8/rollback-standalone.8'),
    from('copyright', 'usr/share/doc/homeserver-updates/copyright'),
    { path: 'usr/share/doc/homeserver-updates/changelog.gz', content: gzipped(changelog(version, sourceDate)) },
    from('lintian-overrides', 'usr/share/lintian/overrides/homeserver-updates'),
  ];
}

function executable(place: string, made: string): PackageFile {
  return { path: place, content: fs.readFileSync(made), mode: 0o755 };
}

function units(): PackageFile[] {
  const names = fs.readdirSync(files).filter((name) => /\.(service|timer|slice)$/.test(name));
  return names.sort().map((name) => from(name, `lib/systemd/system/${name}`));
}

function from(name: string, place: string): PackageFile {
  return { path: place, content: fs.readFileSync(path.join(files, name)) };
}

function printed(args: readonly string[], place: string): PackageFile {
  return { path: place, content: Buffer.from(answer(updater, args)) };
}

/** What programs may rely on in the --json answers, a file for each command. */
function schemas(program: string, args: readonly string[], prefix: string): PackageFile[] {
  const byName = JSON.parse(answer(program, args)) as Record<string, object>;
  return Object.entries(byName).map(([name, schema]) => ({
    path: `usr/share/homeserver-updates/schemas/${prefix}${name}.schema.json`,
    content: Buffer.from(`${JSON.stringify(schema, null, 2)}\n`),
  }));
}

function manual(page: string, place: string): PackageFile {
  return { path: `usr/share/man/${place}.gz`, content: gzipped(page) };
}

/** Its help is short enough to be its manual. */
function emergencyPage(version: string): string {
  const help = answer(emergency, ['--help']).replaceAll('\\', '\\e').replaceAll('-', '\\-');
  return `.TH ROLLBACK\\-STANDALONE 8 "" "homeserver-updates ${version}" "System administration"
.SH NAME
rollback\\-standalone \\- bring back the last good state of a server when all else is broken
.SH DESCRIPTION
.EX
${help}.EE
.SH SEE ALSO
\\fBupdater\\fR(8)
`;
}

function changelog(version: string, sourceDate: number): string {
  const date = new Date(sourceDate * 1000).toUTCString().replace('GMT', '+0000');
  return `homeserver-updates (${version}) stable; urgency=medium

  * Release ${version}.

 -- homeserver-updates maintainers <maintainers@homeserver-updates.invalid>  ${date}
`;
}

function gzipped(text: string): Buffer {
  return gzipSync(text, { level: 9 }); // Node writes no time into it.
}

function answer(app: string, args: readonly string[]): string {
  const script = path.join(app, 'bin', `${path.basename(app)}.js`);
  const { status, stdout, stderr, error } = spawnSync(process.execPath, [script, ...args], { encoding: 'utf8' });
  if (status !== 0) throw error ?? new Error(`${script} ${args.join(' ')} failed: ${stderr}`);
  return stdout;
}
