import { VersionControlError } from './errors.ts';
import { layOutMirror } from './mirror.ts';
import { lastWords, runGit } from './run-git.ts';

const identity = ['user.name=updater', 'user.email=updater@localhost'];

/**
 * Makes a new bare repository at `repository` whose branch main has one commit: everything that is in the directory, also
 * what a .gitignore there would leave out. For trying content as a server would get it. Throws 'git-failed', SystemError 'io'.
 */
export async function commitDirectory(directory: string, repository: string): Promise<void> {
  layOutMirror(repository, 'sha1', 'refs/heads/main');
  for (const args of [
    ['add', '--all', '--force', '--end-of-options'],
    ['commit', '--quiet', '--allow-empty', '--message=content to try', '--end-of-options'],
  ]) {
    const options = { gitDirectory: repository, settings: [...identity, 'core.bare=false'] };
    const { exitCode, stderr } = await runGit([`--work-tree=${directory}`, ...args], options);
    if (exitCode !== 0) throw new VersionControlError('git-failed', `cannot commit ${directory}: ${lastWords(stderr)}`);
  }
}
