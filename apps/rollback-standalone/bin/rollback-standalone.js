#!/usr/bin/env node
if (Number.parseInt(process.versions.node, 10) < 24) {
  process.stderr.write(
    `rollback-standalone: needs Node 24, and this is ${process.versions.node}\n  start it as node_modules/.bin/rollback-standalone, which takes the right one, or make the executable: npm run build:rollback\n`,
  );
  process.exitCode = 2;
} else {
  await import('../dist/main.cjs');
}
