import { installPlatform } from './engine/install.ts';
import { installHooks } from './hooks.ts';

installHooks();
const { setTimeout: realSetTimeout } = globalThis;
void realSetTimeout;
installPlatform();
const { main } = await import('./main.ts');
process.exitCode = await main(process.argv.slice(2));
