// Checks the models of this directory with spin: `node test/model/check.ts [--short] [--jobs N] [--trail NAME]`.
// Exit codes: 0 all came out as they must, 1 one did not, 2 spin or a C compiler is missing.
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { ensureModelTools } from '../../scripts/setup/model-tools.mjs';
import { ModelRunError, ModelToolError } from './errors.ts';
import { heading, line } from './report.ts';
import { runVariant } from './run-variant.ts';
import { isRight, VARIANTS, type Variant } from './variants.ts';

/** Each search takes up to a gigabyte. */
const MOST_JOBS = 2;

const { values } = parseArgs({
  options: { short: { type: 'boolean' }, jobs: { type: 'string' }, trail: { type: 'string' } },
});
const interrupt = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupt.abort());

try {
  await ensureModelTools();
  const chosen = VARIANTS.filter(({ name, short }) =>
    values.trail === undefined ? short || values.short !== true : name === values.trail,
  );
  if (chosen.length === 0) {
    process.stderr.write(`There is no variant ${values.trail}: ${VARIANTS.map((v) => v.name).join(', ')}\n`);
    process.exitCode = 1;
  } else {
    await checkAll(chosen);
  }
} catch (error) {
  if (interrupt.signal.aborted) {
    process.exitCode = 130;
  } else if (error instanceof ModelRunError) {
    process.stderr.write(`${error.message}\n${error.remedy}\n`);
    process.exitCode = 1;
  } else if (error instanceof ModelToolError || isSetupError(error)) {
    process.stderr.write(`${error.message}\n${error.remedy}\n`);
    process.exitCode = 2;
  } else {
    throw error;
  }
}

/** Lines come in the order in which searches end. */
async function checkAll(chosen: readonly Variant[]): Promise<void> {
  const started = performance.now();
  process.stdout.write(`${heading()}\n`);
  const queue = [...chosen];
  const jobs = Number(values.jobs ?? Math.min(MOST_JOBS, availableParallelism()));
  const worker = async () => {
    for (let variant = queue.shift(); variant !== undefined; variant = queue.shift()) {
      const result = await runVariant(variant, interrupt.signal);
      if (!isRight(variant, result)) process.exitCode = 1;
      process.stdout.write(`${line(variant, result)}\n`);
      if (values.trail !== undefined) process.stdout.write(`\n${result.trail}\n`);
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, jobs) }, worker));
  const seconds = Math.round((performance.now() - started) / 1000);
  process.stdout.write(
    `${chosen.length} searches in ${seconds} s, ${process.exitCode === 1 ? 'NOT ' : ''}all as they must be\n`,
  );
}

function isSetupError(error: unknown): error is Error & { readonly remedy: string } {
  return error instanceof Error && error.name === 'SetupError';
}
