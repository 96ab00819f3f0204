import { expect, it } from 'vitest';
import { enabledModules } from '../../src/run/enabled-modules.ts';
import { installedModules } from '../../src/store/installed-modules.ts';
import { home, install, module } from '../support.ts';

it('sorts the enabled modules, leaves out the disabled ones, and says what cannot be run', () => {
  const here = home();
  install(here, 'late', '1.0.0', module('1.0.0', '', { priority: 90 }));
  install(here, 'first', '1.0.0', module('1.0.0', '', { priority: 'critical' }));
  install(here, 'middle', '1.2.0', module('1.2.0', '', { dependencies: ['late'] }));
  install(here, 'off', '1.0.0', module('1.0.0', '', { enabled: false }));
  install(here, 'damaged', '3.0.0', { 'index.json': '' });
  install(here, 'x', '1.0.0', module('1.0.0', '', { dependencies: ['y'] }));
  install(here, 'y', '1.0.0', module('1.0.0', '', { dependencies: ['x'] }));
  const { ordered, unusable } = enabledModules(installedModules(here.server.paths).values());
  expect(ordered.map(({ name, version }) => [name, version])).toEqual([
    ['first', '1.0.0'],
    ['late', '1.0.0'],
    ['middle', '1.2.0'],
  ]);
  expect(unusable).toEqual([
    { name: 'damaged', version: '3.0.0', problem: expect.stringMatching(/index\.json: is empty$/) },
    { name: 'x', version: '1.0.0', problem: 'its dependencies form a circle: x → y → x' },
    { name: 'y', version: '1.0.0', problem: 'its dependencies form a circle: y → x → y' },
  ]);
});
