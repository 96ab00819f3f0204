import { testsOnServer } from '@homeserver/test-support';

await testsOnServer('hotfixes that restart services, on a server with systemd', [
  'test/restart-closures.on-server.ts',
  'test/operations/documented-operations.on-server.ts',
]);
