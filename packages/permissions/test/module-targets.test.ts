import { describe, expect, it } from 'vitest';
import { createModulePermissionTargets } from '../src/module-targets.ts';
import { createServicePermissionTargets, restoreServicePermissionsSimple } from '../src/service-targets.ts';
import { isRoot, scene } from './scene.ts';

describe('the configuration of a module', () => {
  it('describes its targets: own fields first, then those of permissions', () => {
    const here = scene({ gogs: { bin: 'x' } });
    expect(
      createModulePermissionTargets({
        service_name: 'gogs',
        directories: {
          install_dir: { path: here.at('gogs'), owner: 'root', mode: '755', note: 'kept by the module' },
          gogs_bin: { path: here.at('gogs/bin'), mode: 0o755, group: 0 },
          data_dir: here.at('gone'),
          log_dir: { path: here.at('gogs'), directory_mode: '2770', file_mode: '660', recursive: false },
        },
        permissions: { owner: 'git', group: 'git' },
      }),
    ).toEqual([
      { path: here.at('gogs'), owner: 'root', group: 'git', mode: '755', recursive: true },
      { path: here.at('gogs/bin'), owner: 'git', group: 0, mode: 0o755, recursive: false },
      { path: here.at('gone'), owner: 'git', group: 'git', recursive: false },
      { path: here.at('gogs'), owner: 'git', group: 'git', fileMode: '660', directoryMode: '2770', recursive: false },
    ]);
  });

  it('without directories describes none', () => expect(createModulePermissionTargets({ other: 1 })).toEqual([]));

  it.each([
    [{ directories: { bin: { path: '/opt/x', mode: '4755' } } }, 'config.directories.bin.mode: setuid'],
    [{ directories: { bin: { path: '/opt/x', file_mode: '2755' } } }, 'config.directories.bin.mode: setuid'],
    [{ directories: { bin: { mode: '755' } } }, 'config.directories.bin'],
    [{ directories: ['/opt'] }, 'config.directories'],
    [{ permissions: { owner: true } }, 'config.permissions.owner'],
    [{ directories: { bin: { path: '/opt/x', mode: 755 } } }, 'config.directories.bin.mode: 755 reads like octal'],
  ])('%j is refused by the name of its field', (config, field) => {
    expect(() => createModulePermissionTargets(config)).toThrow(
      expect.objectContaining({ code: 'invalid-target', message: expect.stringContaining(field) as string }),
    );
  });
});

describe('the usual targets of a service', () => {
  it('are 755 for its directories, 755 of root for its program, 640 for its database', () => {
    const own = { owner: 'gogs', group: 'gogs' };
    expect(
      createServicePermissionTargets('gogs', {
        configDir: '/etc/gogs',
        dataDir: '/var/lib/gogs',
        logDir: '/var/log/gogs',
        binaryPath: '/opt/gogs/gogs',
        databaseFile: '/var/lib/gogs/gogs.db',
      }),
    ).toEqual([
      { path: '/opt/gogs/gogs', owner: 'root', group: 'root', mode: 0o755, targetType: 'file' },
      { path: '/etc/gogs', ...own, mode: 0o755, targetType: 'directory' },
      { path: '/var/lib/gogs', ...own, mode: 0o755, targetType: 'directory' },
      { path: '/var/log/gogs', ...own, mode: 0o755, targetType: 'directory' },
      { path: '/var/lib/gogs/gogs.db', ...own, mode: 0o640, targetType: 'file' },
    ]);
  });

  it.each(['', '../etc', 'a b', '-x', 'a/b'])('are refused for what is no service name: %j', (name) => {
    expect(() => createServicePermissionTargets(name, {})).toThrow('is not the name of a service');
  });

  it('are set in one call', async () => {
    const here = scene({ data: {}, 'x.db': 'x' });
    const report = await restoreServicePermissionsSimple('www-data', { databaseFile: here.at('x.db') });
    expect(report.success).toBe(isRoot);
    if (isRoot) expect(here.mode('x.db')).toBe('640');
  });
});
