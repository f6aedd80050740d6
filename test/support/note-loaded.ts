// Imported before a command runs (NODE_OPTIONS=--import): adds each module that it loads to the file LOADED, with its process.
import { appendFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

const file = process.env['LOADED'] as string;

registerHooks({
  load(url, context, nextLoad) {
    appendFileSync(file, `${process.pid} ${url}\n`);
    return nextLoad(url, context);
  },
});
