import { installPlatform } from './engine/install.ts';
import { installHooks } from './hooks.ts';
import { MUTANTS } from './mutants/mutants.ts';

// The platform and the product's modules are exchanged before anything of the product is imported.
const at = process.argv.indexOf('--mutant');
const planted = at < 0 ? undefined : MUTANTS[Number(process.argv[at + 1])];
installHooks(planted?.changes ?? []);
installPlatform();
const { main } = await import('./main.ts');
process.exitCode = await main(process.argv.slice(2));
