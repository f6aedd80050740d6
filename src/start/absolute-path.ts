import { resolveEndpoint } from '../runtime/rendezvous/endpoint.ts';

/**
 * The path of a socket, from anywhere.
 *
 * @throws {SimpleIpcError} As `resolveEndpoint`.
 */
export function absolutePath(path: string): string {
  return resolveEndpoint(path).absolute;
}
