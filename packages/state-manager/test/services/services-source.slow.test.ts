import { testsOnServer } from '@homeserver/test-support';

await testsOnServer('services, on a server with systemd', [
  'test/services/services-source.on-server.ts',
  'test/services/guarded-services.on-server.ts',
  'test/services/killed-restore.on-server.ts',
  'test/services/service-snapshots.on-server.ts',
]);
