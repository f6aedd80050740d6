import assert from 'node:assert/strict';
import { request } from 'simple-ipc';
import { beside, start, temporaryPath } from './support.js';

const CLIENTS = 200;

const path = temporaryPath();
const server = start(beside('server.js'), path);
await server.says('listening');
const clients = Array.from({ length: CLIENTS }, (_, number) => `client ${number} `.repeat(1000));
const answers = await Promise.all(clients.map(async (text) => (await request(path, text)).text()));
assert.deepEqual(answers, clients);
await request(path, 'quit').then((response) => response.text());
assert.equal((await server.ended()).code, 0);
