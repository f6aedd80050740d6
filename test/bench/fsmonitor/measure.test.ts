import { git, peerTest } from '../../support/peers.ts';
import { pretend, run, tiny } from './support/running.ts';

const IS_STATUS = '[ "$1" = status ]';

/** What a git does that must not be measured, in shell, and what is said of it. */
const WRONG = [
  ['notices nothing', `${IS_STATUS} && exit`, /^git status said "", not "\?\? new\\n"\.$/],
  ['fails', `${IS_STATUS} && { echo 'no room' >&2; exit 3; }`, /status.* ended with 3\. It said: no room$/],
  ...(process.platform === 'linux'
    ? ([
        [
          'has another daemon half-way',
          `${IS_STATUS} && "$git" fsmonitor--daemon stop && "$git" fsmonitor--daemon start`,
          /^Another daemon has taken its place while it was measured\.$/,
        ],
      ] as const)
    : []),
] as const;

// The environment is the process's own: one after the other.
peerTest(git)(
  'a git that notices nothing, or fails, or has another daemon half-way, is not measured',
  async (t, { bin }) => {
    for (const [what, script, message] of WRONG) {
      const restore = pretend(t, bin, script);
      try {
        const { results, skipped } = await run(t, tiny('git'));
        t.deepEqual(results, [], what);
        t.regex(skipped[0]!.reason, message);
      } finally {
        restore();
      }
    }
  },
);
