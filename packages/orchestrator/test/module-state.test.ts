import { describe, expect, it } from 'vitest';
import { makeTree } from '@homeserver/test-support';
import { stateOfModule } from '../src/index.ts';
import { home, refusal, type Home } from './support.ts';

function withModule(configuration: unknown): Home {
  const here = home();
  const index = JSON.stringify({ metadata: { schema_version: '1.0.0' }, configuration });
  makeTree(here.server.paths.modules, { adblock: { 'index.json': index, 'index.ts': '' } });
  return here;
}

describe('the state of a module', () => {
  it('is what its configuration names, in the words of the specification', () => {
    const { server } = withModule({
      service_name: 'adblock',
      config_path: '/etc/adblock/config.json',
      backup_paths: ['/etc/adblock/', '/var/lib/adblock/'],
    });
    expect(stateOfModule(server, 'adblock')).toEqual({
      files: ['/etc/adblock/', '/var/lib/adblock/'],
      services: ['adblock'],
      databases: [],
    });
  });

  it('may be services and databases too, each service once', () => {
    const database = { type: 'sqlite', database: '/var/lib/adblock/data.db' };
    const { server } = withModule({ service_name: 'adblock', services: ['adblock', 'dns'], databases: [database] });
    expect(stateOfModule(server, 'adblock')).toEqual({
      files: [],
      services: ['adblock', 'dns'],
      databases: [database],
    });
  });

  it.each<[string, unknown, RegExp]>([
    ['nothing', {}, /^module "adblock" does not say what its state is$/],
    ['only empty lists', { backup_paths: [] }, /does not say what its state is$/],
    [
      'a number',
      { backup_paths: 7 },
      /^index\.json of module "adblock": configuration\.backup_paths must be a text, or/,
    ],
    ['a database as text', { databases: ['app'] }, /^index\.json of module "adblock": configuration\.databases\.0 /],
  ])('that is named as %s is refused in one line', (_, configuration, message) => {
    const { server } = withModule(configuration);
    expect(() => stateOfModule(server, 'adblock')).toThrow(refusal('usage', message));
  });

  it('of a module that is not here is refused, and one with a broken index too', () => {
    const { server } = home();
    expect(() => stateOfModule(server, 'adblock')).toThrow(refusal('usage', /adblock/));
    makeTree(server.paths.modules, { adblock: { 'index.json': '{' } });
    expect(() => stateOfModule(server, 'adblock')).toThrow(refusal('usage', /index\.json: is not valid JSON/));
  });
});
