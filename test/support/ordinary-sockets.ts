/**
 * Has servers of this process accept ordinary sockets, as they do where the handle of a listening socket is not as it is
 * known. Import it before what serves.
 */
import { Server } from 'node:net';

// oxlint-disable-next-line typescript/unbound-method -- called with its server below
const { listen } = Server.prototype;

Server.prototype.listen = function (this: Server, ...args: unknown[]) {
  Reflect.apply(listen, this, args);
  const { _handle: handle } = this as Server & { _handle?: object | null };
  if (handle !== undefined && handle !== null)
    Object.defineProperty(handle, 'useUserBuffer', { value: undefined });
  return this;
} as Server['listen'];

process.env['SIMPLE_IPC_TEST_SOCKETS'] = 'ordinary';
