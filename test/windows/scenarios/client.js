/** A client in a process of its own: `client.js PATH MESSAGE`. */
import { request } from 'simple-ipc';

const [, , path, message] = process.argv;
console.log(await (await request(path, message)).text());
