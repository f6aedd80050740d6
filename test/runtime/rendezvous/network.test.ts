import { statfsSync } from 'node:fs';

import test from 'ava';

import {
  isNetworkFileSystem,
  networkFileSystemName,
  networkFileSystemOf,
} from '../../../src/runtime/rendezvous/network.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

const NETWORK: [number, string][] = [
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB2'],
  [0x01021997, '9P'],
  [0x65735546, 'FUSE'],
  [0x5346414f, 'AFS'],
  [0x00c36400, 'Ceph'],
  [0x73757245, 'Coda'],
  [0x0bd00bd0, 'Lustre'],
  [0x01161970, 'GFS2'],
  [0x7461636f, 'OCFS2'],
  [0x786f4256, 'vboxsf'],
];
const LOCAL: [number, string][] = [
  [0xef53, 'ext4'],
  [0x01021994, 'tmpfs'],
  [0x58465342, 'XFS'],
  [0x9123683e, 'btrfs'],
  [0x794c7630, 'overlayfs'],
  [0x2fc12fc1, 'ZFS'],
];

test('network file systems are known by their numbers', (t) => {
  for (const [type, name] of NETWORK) {
    t.is(networkFileSystemName(type), name);
    t.true(isNetworkFileSystem(BigInt(type)), name);
  }
});

test('a number that came as a negative one is the same', (t) => {
  t.true(isNetworkFileSystem(0xff534d42 | 0));
  t.true(isNetworkFileSystem(BigInt(0xfe534d42 | 0)));
});

test('local ones are not among them', (t) => {
  for (const [type, name] of LOCAL) t.false(isNetworkFileSystem(type), name);
});

test('a directory is asked for its own', async (t) => {
  const directory = temporaryDirectory(t);
  const expected =
    process.platform === 'linux' ? networkFileSystemName(statfsSync(directory).type) : undefined;
  t.is(await networkFileSystemOf(directory), expected);
  if (process.platform === 'linux') t.is(await networkFileSystemOf('/proc'), undefined);
});
