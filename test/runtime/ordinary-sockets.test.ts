/* oxlint-disable import/no-unassigned-import -- they are run by being imported */
/** The tests of connections again, on the sockets that a server has where it cannot have its own: on Windows, for one. */
import '../support/ordinary-sockets.ts';
import './connection.test.ts';
import './server.test.ts';
import './server-socket.test.ts';
import './whole-answers.test.ts';
import './unframed.test.ts';
