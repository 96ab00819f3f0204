import fs from 'node:fs';
import path from 'node:path';
import { silentLogger, toRawPath } from '@homeserver/system';
import { temporaryDirectory } from '@homeserver/test-support';
import { describe, expect, it } from 'vitest';
import { Displaced } from '../../src/displaced.ts';
import { prepareUnitLinks } from '../../src/services/restore-unit-links.ts';
import type { RecordedUnit } from '../../src/services/service-record.ts';
import { coded } from '../expectations.ts';

const place = '/etc/systemd/system';
const wants = `${place}/multi-user.target.wants`;

function recorded(unit: string, part: Partial<RecordedUnit>): RecordedUnit {
  return {
    unit,
    why: 'wanted',
    load_state: 'loaded',
    unit_file_state: 'enabled',
    active_state: 'active',
    sub_state: 'running',
    invocation_id: '',
    links: [{ path: `${wants}/${unit}`, target: `/lib/systemd/system/${unit}` }],
    ...part,
  };
}

const album = recorded('album.service', {});
const masked = recorded('old.service', {
  unit_file_state: 'masked',
  active_state: 'inactive',
  links: [{ path: `${place}/old.service`, target: '/dev/null' }],
});
const stopped = recorded('rest.service', { unit_file_state: 'disabled', active_state: 'active', links: [] });

function restore(record: RecordedUnit[], disk: string) {
  const directory = temporaryDirectory();
  const context = { directory, displaced: new Displaced(directory), logger: silentLogger, targetRoot: toRawPath(disk) };
  return prepareUnitLinks(record, context).apply();
}

describe('the units of a machine whose disk is mounted here', () => {
  it('are enabled, masked and disabled as they were; whether they run is left to it, and said', async () => {
    const disk = temporaryDirectory();
    fs.mkdirSync(path.join(disk, wants), { recursive: true });
    fs.symlinkSync('/lib/systemd/system/rest.service', path.join(disk, wants, 'rest.service'));
    fs.writeFileSync(path.join(disk, place, 'old.service'), '[Service]');
    const report = await restore([album, masked, stopped], disk);
    expect(report.restored).toEqual(['album.service: enabled', 'old.service: masked', 'rest.service: disabled']);
    expect(report.warnings).toEqual(['rest.service was active and disabled: the machine itself has to see to that']);
    expect(fs.readlinkSync(path.join(disk, wants, 'album.service'))).toBe('/lib/systemd/system/album.service');
    expect(fs.readlinkSync(path.join(disk, place, 'old.service'))).toBe('/dev/null');
    expect(fs.existsSync(path.join(disk, wants, 'rest.service'))).toBe(false);
    const [{ to } = { to: '' }] = report.displaced;
    expect(fs.readFileSync(to, 'utf8')).toBe('[Service]');
    expect(await restore([album, masked, stopped], disk)).toMatchObject({ restored: [], unchanged: 3, displaced: [] });
  });

  it.each([place, wants])('are not written through a link in place of %s', async (linked) => {
    const [disk, outside] = [temporaryDirectory(), temporaryDirectory()];
    fs.mkdirSync(path.join(disk, path.dirname(linked)), { recursive: true });
    fs.symlinkSync(outside, path.join(disk, linked));
    expect(() => restore([album], disk)).toThrow(coded('cannot-restore', /is a symlink now/));
    expect(fs.readdirSync(outside)).toEqual([]);
  });
});
