/** Where a push is stopped dead, in the order of its work. */
export type PushStep = 'prepared' | 'half stored' | 'stored' | 'marked';
