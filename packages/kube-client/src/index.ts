/**
 * Access to the Kubernetes API for long-lived processes, configured by @kubernetes/client-node.
 * One-shot processes: `./lean`, with the same interface.
 */
import { accessByClientNode } from './client.ts'
import { createClientOn } from './create-client.ts'
import { createHTTPSExchange } from './https-exchange.ts'
import type { KubeClient } from './kube-client.ts'
import type { KubeClientOptions } from './options.ts'
import { withOptions } from './resolve-access.ts'

export * from './kube-client.ts'
export type { KubeClientOptions } from './options.ts'

/** Rejects with KubeConfigError. Connects with the first request. */
export const createKubeClient = async (options: KubeClientOptions): Promise<KubeClient> => {
  const access = await withOptions(await accessByClientNode(options), options)
  return createClientOn(access, createHTTPSExchange(access.tls), options)
}
