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

describeStateSource('services', servicesSource, async () => {
  makeUnits(units);
  shell('systemctl enable --now hu-on hu-timed.timer hu-listens.socket hu-template@one');
  shell('systemctl enable --runtime hu-runtime; systemctl start hu-stays hu-runtime');
  shell('systemctl enable hu-template@two; systemctl mask hu-masked; systemctl mask --runtime hu-template@masked');
  shell('systemctl start hu-failed; sleep 0.3; systemctl is-failed hu-failed');
  return {
    wanted: { units: wanted },
    impossible: { units: ['hu-on', '-Mhost'] },
    observe: async () => describeUnits(wanted),
    harm: async () => {
      shell('systemctl disable --now hu-on hu-timed.timer hu-listens.socket hu-template@one');
      shell('systemctl disable --runtime hu-runtime; systemctl mask --runtime --now hu-template@two');
      shell('systemctl enable --now hu-off; systemctl start hu-static hu-listens hu-also; systemctl stop hu-stays');
      shell('touch /run/hu-works; systemctl restart hu-failed; rm /run/hu-works');
      shell('systemctl unmask hu-masked; systemctl unmask --runtime hu-template@masked');
      shell('systemctl enable hu-template@masked; systemctl mask hu-absent');
      fs.writeFileSync('/etc/systemd/system/hu-absent@.service', SLEEPER);
      shell('systemctl enable --now hu-absent@one; rm /etc/systemd/system/hu-absent@.service; systemctl daemon-reload');
    },
    halfRestore: async () => {
      shell('systemctl enable hu-on; systemctl stop hu-off; systemctl unmask hu-absent; systemctl start hu-stays');
    },
    damageBackup: async (directory) => fs.appendFileSync(path.join(directory, 'services.json'), '\n'),
  };
});
