import test from 'ava';
import { expectTypeOf } from 'expect-type';
import * as simpleIpc from '../../src/index.ts';
import { probe, QUIT, request, serve } from '../../src/index.ts';
import type {
  Answer,
  Body,
  ErrorCode,
  Handler,
  IpcRequest,
  IpcResponse,
  Message,
  PoolState,
  ProbeResult,
  RequestContext,
  RequestOptions,
  ServeOptions,
  Server,
  ServerEnd,
  Transition,
} from '../../src/index.ts';

// These are checked by the compiler (`npm run check:types`); the test below holds the list of exports.
test('the public API is this, and nothing else', (t) => {
  t.deepEqual(Object.keys(simpleIpc).toSorted(), [
    'QUIT',
    'SimpleIpcError',
    'events',
    'networkFileSystemOf',
    'probe',
    'request',
    'serve',
    'start',
    'status',
    'stop',
    'watch',
  ]);
});

test('functions', (t) => {
  expectTypeOf(serve).parameters.toEqualTypeOf<
    [path: string, handler: Handler, options?: ServeOptions | undefined]
  >();
  expectTypeOf<Awaited<ReturnType<typeof serve>>>().toEqualTypeOf<Server>();
  expectTypeOf(request).parameters.toEqualTypeOf<
    [path: string, message?: Message, options?: RequestOptions | undefined]
  >();
  expectTypeOf<Awaited<ReturnType<typeof request>>>().toEqualTypeOf<IpcResponse>();
  expectTypeOf(probe).returns.resolves.toEqualTypeOf<ProbeResult>();
  expectTypeOf(QUIT).toBeSymbol();
  t.pass('checked by the compiler');
});

test('what handlers may answer', (t) => {
  expectTypeOf<() => void>().toExtend<Handler>();
  expectTypeOf<Parameters<Handler>[1]['framed']>().toBeBoolean();
  expectTypeOf<() => string>().toExtend<Handler>();
  expectTypeOf<() => Promise<Uint8Array>>().toExtend<Handler>();
  expectTypeOf<() => Buffer>().toExtend<Handler>();
  expectTypeOf<() => typeof QUIT>().toExtend<Handler>();
  expectTypeOf<() => string[]>().toExtend<Handler>();
  expectTypeOf<() => Generator<string, typeof QUIT | undefined>>().toExtend<Handler>();
  expectTypeOf<(request: IpcRequest) => AsyncGenerator<Uint8Array, void>>().toExtend<Handler>();
  expectTypeOf<
    (request: IpcRequest, context: RequestContext) => ReadableStream<Uint8Array>
  >().toExtend<Handler>();
  expectTypeOf<(request: IpcRequest) => IpcRequest>().toExtend<Handler>();
  expectTypeOf<() => number>().not.toExtend<Handler>();
  expectTypeOf<() => null>().not.toExtend<Handler>();
  expectTypeOf<() => number[]>().not.toExtend<Handler>();
  expectTypeOf<Message>().toExtend<Answer>();
  t.pass('checked by the compiler');
});

test('bodies, servers, errors and transitions', (t) => {
  expectTypeOf<Body['text']>().returns.resolves.toBeString();
  expectTypeOf<Body['bytes']>().returns.resolves.toEqualTypeOf<Uint8Array>();
  expectTypeOf<IpcResponse>().toExtend<AsyncIterable<Uint8Array> & AsyncDisposable>();
  expectTypeOf<Server>().toExtend<AsyncDisposable>();
  expectTypeOf<Server['closed']>().resolves.toEqualTypeOf<ServerEnd>();
  expectTypeOf<Server['state']>().toEqualTypeOf<PoolState>();
  expectTypeOf<ServeOptions['onTransition']>().toEqualTypeOf<
    ((transition: Transition) => void) | undefined
  >();
  expectTypeOf<simpleIpc.SimpleIpcError>().toExtend<Error>();
  expectTypeOf<simpleIpc.SimpleIpcError['code']>().toEqualTypeOf<ErrorCode>();
  expectTypeOf<'SIMPLE_IPC_NOT_LISTENING'>().toExtend<ErrorCode>();
  expectTypeOf<string>().not.toExtend<ErrorCode>();
  t.pass('checked by the compiler');
});
