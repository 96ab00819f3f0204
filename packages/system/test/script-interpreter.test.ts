import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { interpreterOf } from '../src/script-interpreter.ts';
import { temporaryDirectory } from './support/temporary-directory.ts';

it.each([
  ['#!/bin/bash\necho\n', ['/bin/bash']],
  ['#! /usr/bin/env python3\n', ['/usr/bin/env', 'python3']],
  ['#!/usr/bin/awk -f -v x=1\n', ['/usr/bin/awk', '-f -v x=1']],
  ['echo no first line\n', ['/bin/sh']],
  ['#!relative\n', ['/bin/sh']],
  ['', ['/bin/sh']],
])('a script that begins with %j is run by %j', (text, words) => {
  const file = path.join(temporaryDirectory(), 'script');
  fs.writeFileSync(file, text);
  expect(interpreterOf(file)).toEqual(words);
});
