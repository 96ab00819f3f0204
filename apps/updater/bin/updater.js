#!/usr/bin/env node
if (Number.parseInt(process.versions.node, 10) < 24) {
  process.stderr.write(
    `updater: needs Node 24, and this is ${process.versions.node}\n  start it as node_modules/.bin/updater, which takes the right one\n`,
  );
  process.exitCode = 2;
} else {
  const { launch } = await import('../dist/launch.mjs');
  process.exitCode = await launch(process.argv.slice(2));
}
