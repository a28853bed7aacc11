import { createClient, createConfig } from './client/index.js';
import { Cloudbash } from './sdk.gen.js';

export * from './index.js';

/**
 * The shop at an address; each method is a route.
 *
 * `token` is that of a guest, a customer or a machine. A refusal is thrown as the problem document that it is. With
 * `throwOnError: false` a call returns `{ data, error }` instead, and the type of `error` has every code of the route.
 */
export function connect(baseUrl: string, token?: string): Cloudbash {
  return new Cloudbash({ client: createClient(createConfig({ baseUrl, auth: token, throwOnError: true })) });
}
