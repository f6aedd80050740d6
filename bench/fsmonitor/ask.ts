/** Asks a daemon what has changed, as git does. */

/** Requests before those that are measured, until the code is compiled. */
const WARM_UP = 1_000;
/** No daemon has given it, so the answer has nothing but the current one. */
const NO_TOKEN = 'builtin:0:0';

/** How long each request took, in microseconds. Nothing may change meanwhile. */
export async function ask(socket: string, amount: number): Promise<number[]> {
  // Here, where it is needed: the rest of the bench does without a build.
  const { request } = await import('../../dist/index.js');
  const exchange = async (token: string) => Buffer.from(await (await request(socket, token)).bytes());

  // Ours tells, once, of all directories to who was told that anything may have changed.
  let token = tokenOf(await exchange(tokenOf(await exchange(NO_TOKEN))));
  const took: number[] = [];
  for (let at = -WARM_UP; at < amount; at++) {
    const begun = performance.now();
    const answer = await exchange(token);
    if (at >= 0) took.push((performance.now() - begun) * 1_000);
    token = tokenOf(answer);
    if (answer.length > Buffer.byteLength(token) + 1)
      throw new Error(
        `Nothing had changed, and the daemon answered ${JSON.stringify(answer.toString('latin1').slice(0, 200))}.`,
      );
  }
  return took;
}

/** All answers begin with the token to ask with next time, and a NUL. */
function tokenOf(answer: Buffer): string {
  const end = answer.indexOf(0);
  if (end < 0) throw new Error(`The daemon's answer of ${answer.length} bytes has no token.`);
  return answer.toString('latin1', 0, end);
}
