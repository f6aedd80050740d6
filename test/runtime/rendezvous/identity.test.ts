import { linkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import test from 'ava';

import { identityAt, isSame } from '../../../src/runtime/rendezvous/identity.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

test('a file is the same by any name, and a link to it is another', (t) => {
  const directory = temporaryDirectory(t);
  const file = join(directory, 'file');
  writeFileSync(file, '');
  linkSync(file, join(directory, 'other'));
  symlinkSync('file', join(directory, 'link'));
  t.true(isSame(identityAt(file), identityAt(join(directory, 'other'))));
  t.false(isSame(identityAt(file), identityAt(join(directory, 'link'))));
});

test('nothing is the same as nothing only', (t) => {
  const file = join(temporaryDirectory(t), 'file');
  t.is(identityAt(file), undefined);
  writeFileSync(file, '');
  t.false(isSame(undefined, identityAt(file)));
  t.true(isSame(undefined, undefined));
});

test('a file that got the inode of a deleted one is another', async (t) => {
  const file = join(temporaryDirectory(t), 'file');
  for (let attempt = 0; attempt < 50; attempt++) {
    writeFileSync(file, '');
    const first = identityAt(file)!;
    // The time of birth is as coarse as the kernel's tick.
    await setTimeout(10);
    rmSync(file);
    writeFileSync(file, '');
    const second = identityAt(file)!;
    rmSync(file);
    if (first.ino === second.ino) return void t.false(isSame(first, second));
  }
  t.log('no inode is used again here');
  t.pass();
});
