/** Quick enough for a test, slow enough for a busy machine. */
export const LOCK = { beatEvery: 200, staleAfter: 5_000 };
