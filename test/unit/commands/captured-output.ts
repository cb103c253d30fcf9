import { afterEach, beforeEach, vi } from 'vitest';

/** What a command has written since the test began, or since the test emptied it. */
export interface Captured {
  out: string;
  err: string;
}

/** Captures both outputs of every test of the calling file, and leaves no exit code behind. */
export function captureOutput(): Captured {
  const captured = { out: '', err: '' };
  beforeEach(() => {
    captured.out = '';
    captured.err = '';
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      captured.out += String(text);
      return true;
    });
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
      captured.err += String(text);
      return true;
    });
    process.exitCode = undefined;
  });
  afterEach(() => {
    vi.restoreAllMocks();
    process.exitCode = undefined;
  });
  return captured;
}
