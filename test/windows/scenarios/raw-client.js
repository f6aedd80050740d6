/** Sends bytes as they are, and stays: `raw-client.js PIPE BYTES`. */
import { connect } from 'node:net';

const [, , pipe, bytes] = process.argv;
connect(pipe).write(bytes);
setInterval(() => undefined, 1000);
