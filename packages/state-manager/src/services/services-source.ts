import { reasonOf, toRawPath } from '@homeserver/system';
import type { StateSource } from '../state-source.ts';
import { captureServices, wantedUnits, type WantedServices } from './capture-services.ts';
import { prepareServices } from './restore-services.ts';
import { readRecord, type CapturedServices } from './service-record.ts';

/** Units of systemd: whether they are loaded, enabled and active. */
export const servicesSource: StateSource<WantedServices, CapturedServices> = {
  kind: 'services',
  claims: (wanted) => wantedUnits(wanted).map((unit) => ({ kind: 'services', name: toRawPath(unit) })),
  capture: captureServices,
  verify: async (captured, directory) => {
    try {
      readRecord(captured, directory);
      return [];
    } catch (error) {
      return [reasonOf(error)];
    }
  },
  prepare: prepareServices,
  leaves: () => 'its services',
};
