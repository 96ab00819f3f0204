import { testsOnServer } from '@homeserver/test-support';

await testsOnServer('closures that restart services, on a server with systemd', ['test/restart-closures.on-server.ts']);
