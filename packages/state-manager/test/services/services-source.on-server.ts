import fs from 'node:fs';
import path from 'node:path';
import { servicesSource } from '../../src/services/services-source.ts';
import { describeStateSource } from '../conformance.ts';
import { describeUnits, makeUnits, shell, SLEEPER } from './units.ts';

/* The conformance suite on a real systemd: a unit of each kind. */

const units = {
  'hu-on.service': SLEEPER,
  'hu-off.service': SLEEPER,
  'hu-runtime.service': SLEEPER,
  'hu-static.service': '[Service]\nExecStart=/bin/sleep 100000\n',
  'hu-failed.service': '[Service]\nExecStart=/bin/sh -c "test -e /run/hu-works && exec sleep 100000"\n',
  'hu-stays.service': '[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n',
  'hu-template@.service': SLEEPER,
  'hu-also.service': '[Service]\nExecStart=/bin/sleep 100000\n[Install]\nAlso=hu-on.service\n',
  'hu-timed.service': '[Service]\nType=oneshot\nExecStart=/bin/true\n',
  'hu-timed.timer': '[Timer]\nOnCalendar=2099-01-01\n[Install]\nWantedBy=timers.target\n',
  'hu-listens.socket': '[Socket]\nListenStream=/run/hu-listens\n[Install]\nWantedBy=sockets.target\n',
  'hu-listens.service': '[Service]\nExecStart=/bin/sleep 100000\n',
};
const instances = ['hu-template@one.service', 'hu-template@two.service', 'hu-template@masked.service'];
const absent = ['hu-absent.service', 'hu-absent@one.service', 'hu-masked.service'];
const wanted = [...Object.keys(units).filter((name) => !name.includes('@')), ...instances, ...absent];

/** systemd reads its unit files once at the end: that takes it longer than all the orders. */
function orders(...lines: string[]): void {
  shell([...lines.map((line) => `systemctl --no-reload ${line}`), 'systemctl daemon-reload'].join(' && '));
}

describeStateSource('services', servicesSource, async () => {
  makeUnits(units);
  orders(
    'enable --now hu-on hu-timed.timer hu-listens.socket hu-template@one',
    'enable hu-template@two',
    'enable --runtime hu-runtime',
    'start hu-stays hu-runtime hu-failed',
    'mask hu-masked',
    'mask --runtime hu-template@masked',
  );
  shell('while ! systemctl -q is-failed hu-failed; do sleep 0.05; done');
  return {
    wanted: { units: wanted },
    impossible: { units: ['hu-on', '-Mhost'] },
    observe: async () => describeUnits(wanted),
    harm: async () => {
      fs.writeFileSync('/etc/systemd/system/hu-absent@.service', SLEEPER);
      fs.writeFileSync('/run/hu-works', '');
      orders(
        'disable --now hu-on hu-timed.timer hu-listens.socket hu-template@one',
        'disable --runtime hu-runtime',
        'enable --now hu-off hu-absent@one',
        'restart hu-static hu-listens hu-also hu-failed',
        'stop hu-stays',
        'mask --runtime --now hu-template@two',
        'unmask hu-masked',
        'unmask --runtime hu-template@masked',
        'enable hu-template@masked',
        'mask hu-absent',
      );
      fs.rmSync('/etc/systemd/system/hu-absent@.service');
      fs.rmSync('/run/hu-works');
      shell('systemctl daemon-reload');
    },
    halfRestore: async () => orders('enable hu-on', 'stop hu-off', 'unmask hu-absent', 'start hu-stays'),
    damageBackup: async (directory) => fs.appendFileSync(path.join(directory, 'services.json'), '\n'),
  };
});
