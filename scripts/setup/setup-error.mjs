/** Set-up cannot go on: why, and what the person should do. */
export class SetupError extends Error {
  constructor(message, remedy, options) {
    super(message, options);
    this.name = 'SetupError';
    this.remedy = remedy;
  }
}
