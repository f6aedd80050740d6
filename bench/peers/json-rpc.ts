import { RequestType } from 'vscode-jsonrpc/node';

/** JSON-RPC has no bytes: both are strings, see text.ts. */
export const ask = new RequestType<string, string, void>('ask');
