/**
 * A client whose lists and watches can be held back: whoever keeps a cache by it sees an old world,
 * while single objects are answered as they are.
 */
import type { KubeClient } from '@hc-calico/kube-client'

export interface LaggingClient extends KubeClient {
  /** From now on nothing new comes by any watch. */
  hold(): void
  /** What was held back comes now, in order. */
  release(): void
}

export const laggingClient = (client: KubeClient): LaggingClient => {
  let held: Promise<void> | undefined
  let open: () => void = () => undefined
  return {
    request: (request) => client.request(request),
    close: () => client.close(),
    async *watch(path, cancellation) {
      for await (const line of client.watch(path, cancellation)) {
        const isCut = (): boolean => cancellation.aborted
        while (held !== undefined && !isCut()) {
          await Promise.race([
            held,
            new Promise<void>((resolve) => cancellation.addEventListener('abort', resolve)),
          ])
        }
        yield line
      }
    },
    hold: () => {
      held = new Promise((resolve) => {
        open = resolve
      })
    },
    release: () => {
      held = undefined
      open()
    },
  }
}
