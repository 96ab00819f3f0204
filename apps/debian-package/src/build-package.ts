import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { debianName, thisArchitecture, type Architecture } from '@homeserver/program-build';
import { layOut, type PackageFile } from './package-files.ts';

const NAME = 'homeserver-updates';

export interface PackageOptions {
  version: string;
  /** Default: this kind of machine. */
  architecture?: Architecture;
  /** Unix seconds: when the sources were changed last. */
  sourceDate: number;
  /** Default xz; gzip takes a quarter of the time, none next to none, for a package that is only to be tried. */
  compression?: 'xz' | 'gzip' | 'none';
}

/** Builds the Debian package into `directory`, of the executables that were made for `architecture`, and returns its path. The same parts give the same bytes. */
export function buildPackage(directory: string, options: PackageOptions): string {
  const { version, architecture = thisArchitecture(), sourceDate, compression = 'xz' } = options;
  const debianArchitecture = debianName(architecture);
  const output = path.join(directory, `${NAME}_${version}_${debianArchitecture}.deb`);
  fs.mkdirSync(directory, { recursive: true });
  const root = fs.mkdtempSync(path.join(directory, 'root-'));
  try {
    fs.chmodSync(root, 0o755);
    const files = layOut({ version, sourceDate, architecture });
    for (const file of files) write(root, file);
    const bytes = files.reduce((sum, { content }) => sum + content.length, 0);
    const control = controlText({ version, architecture: debianArchitecture, kibibytes: Math.ceil(bytes / 1024) });
    write(root, { path: 'DEBIAN/control', content: Buffer.from(control) });
    const conffiles = files.filter(({ path: file }) => file.startsWith('etc/')).map(({ path: file }) => `/${file}\n`);
    write(root, { path: 'DEBIAN/conffiles', content: Buffer.from(conffiles.sort().join('')) });
    for (const script of ['postinst', 'prerm', 'postrm'])
      write(root, { ...packaged(script), path: `DEBIAN/${script}`, mode: 0o755 });
    writeChecksums(root, files);
    settleTimes(root, sourceDate);
    run('dpkg-deb', ['--root-owner-group', `-Z${compression}`, '-z1', '--build', root, output], sourceDate);
    return output;
  } finally {
    fs.rmSync(root, { recursive: true });
  }
}

function packaged(name: string): PackageFile {
  return { path: name, content: fs.readFileSync(path.join(import.meta.dirname, '../files', name)) };
}

function controlText(about: { version: string; architecture: string; kibibytes: number }): string {
  return `Package: ${NAME}
Version: ${about.version}
Architecture: ${about.architecture}
Maintainer: ${NAME} maintainers <maintainers@${NAME}.invalid>
Installed-Size: ${about.kibibytes}
Depends: git (>= 1:2.34), openssh-client, util-linux (>= 2.36), libc6 (>= 2.28), libstdc++6, libgcc-s1
Section: admin
Priority: optional
Description: guarded updates for a home server
 Pulls a git repository of update modules, replaces those that have a newer
 version in one step, and runs every enabled module. Whatever breaks in the
 middle, the server ends in the new state or in exactly the old one. When all
 else is gone, rollback-standalone brings the last good state back.
`;
}

function write(root: string, { path: file, content, mode = 0o644 }: PackageFile): void {
  const place = path.join(root, file);
  fs.mkdirSync(path.dirname(place), { recursive: true, mode: 0o755 });
  fs.writeFileSync(place, content);
  fs.chmodSync(place, mode);
}

function writeChecksums(root: string, files: readonly PackageFile[]): void {
  const names = files
    .map(({ path: file }) => file)
    .filter((file) => !file.startsWith('etc/'))
    .sort();
  const { stdout } = spawnSync('md5sum', names, { cwd: root, maxBuffer: 1024 * 1024 });
  write(root, { path: 'DEBIAN/md5sums', content: stdout });
}

/** Directories too, for they are in the archive. */
function settleTimes(root: string, sourceDate: number): void {
  for (const name of fs.readdirSync(root, { recursive: true, encoding: 'utf8' })) {
    const place = path.join(root, name);
    if (fs.lstatSync(place).isDirectory()) fs.chmodSync(place, 0o755);
    fs.utimesSync(place, sourceDate, sourceDate);
  }
}

function run(command: string, args: readonly string[], sourceDate: number): void {
  const env = { ...process.env, SOURCE_DATE_EPOCH: String(sourceDate), LC_ALL: 'C' };
  const { status, stderr, error } = spawnSync(command, args, { env });
  if (status !== 0) throw error ?? new Error(`${command} failed: ${stderr.toString().trim()}`);
}
