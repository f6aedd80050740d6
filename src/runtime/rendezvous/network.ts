import { fs } from '../builtins.ts';

/**
 * File systems that other machines may share, by the number that Linux gives them (`f_type` of statfs(2); numbers from
 * the kernel's magic.h, and from coreutils' stat.c for those outside of it). A socket on one refuses connections from
 * here although a server on another machine listens on it. FUSE is among them because sshfs, virtiofs and the file
 * sharing of virtual machines are FUSE, and the number does not say which.
 */
const NETWORK_FILE_SYSTEMS: ReadonlyMap<bigint, string> = new Map([
  [0x6969n, 'NFS'],
  [0x517bn, 'SMB'],
  [0xfe534d42n, 'SMB2'],
  [0xff534d42n, 'CIFS'],
  [0x01021997n, '9P'],
  [0x65735546n, 'FUSE'],
  [0x5346414fn, 'AFS'],
  [0x6b414653n, 'kAFS'],
  [0x00c36400n, 'Ceph'],
  [0x73757245n, 'Coda'],
  [0x0bd00bd0n, 'Lustre'],
  [0x01161970n, 'GFS2'],
  [0x7461636fn, 'OCFS2'],
  [0x47504653n, 'GPFS'],
  [0x20030528n, 'OrangeFS'],
  [0x19830326n, 'BeeGFS'],
  [0xaad7aaean, 'PanFS'],
  [0xbeefdeadn, 'SNFS'],
  [0x61636673n, 'ACFS'],
  [0xa501fcf5n, 'VxFS'],
  [0x013111a8n, 'IBRIX'],
  [0x564cn, 'NCP'],
  [0x786f4256n, 'vboxsf'],
  [0xbacbacbcn, 'vmhgfs'],
  [0x7c7c6673n, 'prl_fs'],
]);

/** The name of the network file system with that number, if it is one. */
export function networkFileSystemName(type: number | bigint): string | undefined {
  // Numbers above 2^31 come negative where the C type is a signed 32-bit one.
  return NETWORK_FILE_SYSTEMS.get(BigInt.asUintN(32, BigInt(type)));
}

export function isNetworkFileSystem(type: number | bigint): boolean {
  return networkFileSystemName(type) !== undefined;
}

/**
 * The name of the network file system that a directory is on, if it is on one. Only Linux tells: elsewhere Node does not
 * say what a file system is, and this is `undefined`.
 */
export async function networkFileSystemOf(directory: string): Promise<string | undefined> {
  if (process.platform !== 'linux') return undefined;
  const { type } = await fs.promises.statfs(directory, { bigint: true });
  return networkFileSystemName(type);
}
