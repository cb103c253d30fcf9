#!/usr/bin/env node
import { main } from './commands/main.ts';

// A reader that left (`| head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // But the agent goes on: it is not for a reader of its log to end it, and Postgres with it.
  if (error.code === 'EPIPE' && process.argv[2] !== 'run') process.exit();
  if (error.code === 'EPIPE') return;
  throw error;
});

process.exitCode = await main(process.argv.slice(2));
