/** `node bench/page/screenshot.ts PAGE.html OUT.png [--dark]`: a picture of the page's upper part, for the README. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { pathToFileURL } from 'node:url';
import { findOnPath } from '../run/programs.ts';

const BROWSERS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const SIZE = { width: 1_200, height: 1_000 };
const TIMEOUT = 60_000;

const { values, positionals } = parseArgs({
  options: {
    dark: { type: 'boolean', default: false },
    height: { type: 'string', default: `${SIZE.height}` },
  },
  allowPositionals: true,
});
const [page, out] = positionals;

if (page === undefined || out === undefined || !/^\d+$/.test(values.height)) {
  fail('Usage: node bench/page/screenshot.ts PAGE.html OUT.png [--dark] [--height PIXELS]', 2);
}
if (!existsSync(page)) fail(`There is no ${page}. The bench writes it: npm run bench`);
const browser = BROWSERS.map((name) => findOnPath(name)).find((found) => found !== undefined);
if (browser === undefined) {
  fail(`None of ${BROWSERS.join(', ')} is on PATH. On Debian: apt-get install chromium`);
}

// A profile of its own, so that it does not open a window in a browser that runs.
const profile = mkdtempSync(join(tmpdir(), 'simple-ipc-screenshot-'));
try {
  const { error, status, stderr } = spawnSync(
    browser,
    [
      '--headless',
      // It shows nothing but our own page, and root has no sandbox.
      '--no-sandbox',
      '--hide-scrollbars',
      '--force-device-scale-factor=2',
      `--user-data-dir=${profile}`,
      `--blink-settings=preferredColorScheme=${values.dark ? 0 : 1}`,
      `--window-size=${SIZE.width},${values.height}`,
      `--screenshot=${resolve(out)}`,
      pathToFileURL(page).href,
    ],
    { encoding: 'utf8', timeout: TIMEOUT },
  );
  if (error !== undefined || status !== 0 || !existsSync(out)) {
    fail(`${browser} took no picture: ${error?.message ?? stderr.trim()}`);
  }
} finally {
  rmSync(profile, { recursive: true, force: true, maxRetries: 3 });
}

function fail(message: string, code = 1): never {
  console.error(message);
  process.exit(code);
}
