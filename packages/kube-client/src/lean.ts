/**
 * Entry `./lean`: the client for processes that live for one call. It reads kubeconfigs itself and
 * loads neither client-node nor, where the runtime has a fast fetch of its own, node:https.
 */
import { createClientOn } from './create-client.ts'
import type { KubeClient } from './kube-client.ts'
import type { KubeClientOptions } from './options.ts'
import { resolveAccess } from './resolve-access.ts'

export * from './kube-client.ts'
export type { KubeClientOptions } from './options.ts'

const exchangeFor = async (
  tls: Parameters<typeof import('./https-exchange.ts').createHTTPSExchange>[0],
) => {
  if ('Bun' in globalThis) return (await import('./fetch-exchange.ts')).createFetchExchange(tls)
  return (await import('./https-exchange.ts')).createHTTPSExchange(tls)
}

/** Rejects with KubeConfigError. Connects with the first request. */
export const createLeanKubeClient = async (options: KubeClientOptions): Promise<KubeClient> => {
  const access = await resolveAccess(options)
  return createClientOn(access, await exchangeFor(access.tls), options)
}
