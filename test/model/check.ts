// Checks the models of this directory with spin: `node test/model/check.ts [--short] [--trail NAME]`.
// Exit codes: 0 all came out as they must, 1 one did not, 2 spin or a C compiler is missing.
import { parseArgs } from 'node:util';
import { ModelToolError } from './errors.ts';
import { runVariant, trailOf } from './run-variant.ts';
import { VARIANTS } from './variants.ts';

const { values } = parseArgs({ options: { short: { type: 'boolean' }, trail: { type: 'string' } } });

try {
  const chosen = VARIANTS.filter(({ name, short }) =>
    values.trail === undefined ? short || values.short !== true : name === values.trail,
  );
  if (chosen.length === 0) {
    process.stderr.write(`There is no variant ${values.trail}: ${VARIANTS.map((v) => v.name).join(', ')}\n`);
    process.exitCode = 1;
  }
  process.stdout.write('variant                 must   came out       states   depth     MB   seconds\n');
  for (const variant of chosen) {
    const result = runVariant(variant);
    const right = (result.outcome === 'violated') === (variant.expect === 'fails');
    if (!right) process.exitCode = 1;
    const numbers = [result.states, result.depth, Math.round(result.megabytes), result.seconds.toFixed(1)];
    const [states, depth, megabytes, seconds] = numbers.map(String);
    process.stdout.write(
      `${variant.name.padEnd(23)} ${variant.expect.padEnd(6)} ${result.outcome.padEnd(9)} ${states?.padStart(11)} ${depth?.padStart(7)} ${megabytes?.padStart(6)} ${seconds?.padStart(9)}${right ? '' : '  WRONG'}\n`,
    );
    if (values.trail !== undefined) process.stdout.write(`\n${trailOf(variant)}\n`);
  }
} catch (error) {
  if (!(error instanceof ModelToolError)) throw error;
  process.stderr.write(`${error.message}\n${error.remedy}\n`);
  process.exitCode = 2;
}
