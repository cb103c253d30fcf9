/** A place where an agent can be asked. */
export type Endpoint =
  | {
      readonly kind: 'socket';
      readonly path: string;
      /** The member whose socket it is, where that is known. */
      readonly member?: string;
    }
  | {
      readonly kind: 'url';
      readonly url: URL;
      /** Changing calls over TCP need it. */
      readonly token: string | null;
      /** PEM of the authority that signed the agent's certificate; null: Node's own list. */
      readonly ca: string | null;
    };

/** The endpoint as a person would name it (never with the token). */
export function nameOf(endpoint: Endpoint): string {
  return endpoint.kind === 'socket' ? endpoint.path : endpoint.url.origin;
}
