import { fileURLToPath } from 'node:url';

/** The clone. */
export const root = fileURLToPath(new URL('../../', import.meta.url)).replace(/\/$/, '');

/** Where npm puts the programs of the dependencies. */
export const bin = `${root}/node_modules/.bin`;
