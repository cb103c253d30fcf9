import { serve } from '../../../src/demo/api/serve.ts';

/** An embedded API as a process of its own. Arguments: the directory, the port, the size of log to compact after. */
const [directory = '', port = '0', compactAfter = '1000000'] = process.argv.slice(2);
await serve(
  { directory, host: '127.0.0.1', port: Number(port), compactAfter: Number(compactAfter) },
  ({ url }) => process.stdout.write(`${url}\n`),
);
