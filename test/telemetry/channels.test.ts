import { AsyncLocalStorage } from 'node:async_hooks';
import { tracingChannel } from 'node:diagnostics_channel';
import test from 'ava';
import { request } from '../../src/index.ts';
import { CALL_CHANNEL, type ChannelMessage, REQUEST_CHANNEL } from '../../src/telemetry/channels.ts';
import { serving } from '../support/serving.ts';
import { temporaryPath } from '../support/temporary.ts';

/** What is published of one path, as `name outcome`, until the test is over. */
function published(t: { teardown(run: () => void): void }, name: string, path: () => string): string[] {
  const channel = tracingChannel<unknown, ChannelMessage>(name);
  const seen: string[] = [];
  const see = (event: string) => (message: unknown) => {
    const { path: at, outcome } = message as ChannelMessage;
    if (at === path()) seen.push(`${event} ${outcome}`.trim());
  };
  const subscribers = {
    start: see('start'),
    end: see('end'),
    asyncStart: see('asyncStart'),
    asyncEnd: see('asyncEnd'),
    error: see('error'),
  };
  channel.subscribe(subscribers);
  t.teardown(() => channel.unsubscribe(subscribers));
  return seen;
}

test.serial('a request and its call are published', async (t) => {
  let path = '';
  const requests = published(t, REQUEST_CHANNEL, () => path);
  const calls = published(t, CALL_CHANNEL, () => path);
  const one = await serving(t, async () => 'pong');
  path = one.path;
  await (await request(path, 'ping')).text();
  await one.ended(1);
  t.deepEqual(requests, ['start', 'end', 'asyncEnd answered']);
  t.deepEqual(calls, ['start', 'asyncEnd answered']);
});

test.serial('failures come with the error', async (t) => {
  const path = temporaryPath(t);
  const calls = published(t, CALL_CHANNEL, () => path);
  const errors: unknown[] = [];
  const listen = (message: unknown) => errors.push((message as ChannelMessage).error);
  tracingChannel(CALL_CHANNEL).error.subscribe(listen);
  t.teardown(() => tracingChannel(CALL_CHANNEL).error.unsubscribe(listen));
  const error = await t.throwsAsync(request(path, 'ping'));
  t.deepEqual(calls, ['start', 'error SIMPLE_IPC_PATH_NOT_FOUND', 'asyncEnd SIMPLE_IPC_PATH_NOT_FOUND']);
  t.deepEqual(errors, [error]);
});

test.serial('a store that is bound to the start is there while the handler runs', async (t) => {
  const store = new AsyncLocalStorage<string>();
  const { start } = tracingChannel(REQUEST_CHANNEL);
  start.bindStore(store, (message) => `in c${(message as ChannelMessage).connection}`);
  t.teardown(() => start.unbindStore(store));
  const { path } = await serving(t, async function* () {
    yield `${store.getStore()}`;
    await Promise.resolve();
    yield ` ${store.getStore()}`;
  });
  t.is(await (await request(path)).text(), 'in c1 in c1');
});

test.serial('without anybody who listens nothing is followed', async (t) => {
  t.false(tracingChannel(REQUEST_CHANNEL).hasSubscribers);
  const { path } = await serving(t, () => 'pong');
  t.is(await (await request(path)).text(), 'pong');
});
