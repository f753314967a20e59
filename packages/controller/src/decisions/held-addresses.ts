/**
 * Which addresses belong to a service. Nothing in an allocation says so: it names its pod, and the
 * pod names the service. A parked fixed address has no pod; there the set's template says it.
 */
import type { BlockAllocation } from '../sources/blocks.ts'
import type { HeldAddresses } from './service-status.ts'

export interface ServiceNaming {
  /** Key of the service that a pod names, if any. */
  readonly ofPod: (namespace: string, pod: string) => string | undefined
  /** Of a set's template. */
  readonly ofSet: (namespace: string, set: string) => string | undefined
}

export interface FixedIdentityParts {
  readonly namespace: string
  readonly set: string
  readonly pod: string
}

/** `{namespace}/{owner kind}/{set}/{pod}`; undefined for a text of another form. */
export const identityParts = (identity: string): FixedIdentityParts | undefined => {
  const [namespace, kind, set, pod, ...more] = identity.split('/')
  if (!namespace || !kind || !set || !pod || more.length > 0) return undefined
  return { namespace, set, pod }
}

const serviceOf = (
  { attributes, fixed }: BlockAllocation,
  { ofPod, ofSet }: ServiceNaming,
): string | undefined => {
  if (fixed === undefined) {
    const { namespace, pod } = attributes
    return namespace === undefined || pod === undefined ? undefined : ofPod(namespace, pod)
  }
  const parts = identityParts(fixed.identity)
  if (parts === undefined) return undefined
  return ofPod(parts.namespace, parts.pod) ?? ofSet(parts.namespace, parts.set)
}

interface Counts {
  readonly all: Map<string, number>
  readonly fixed: Map<string, number>
}

const addTo = (counts: Map<string, number>, pool: string): void => {
  counts.set(pool, (counts.get(pool) ?? 0) + 1)
}

/** Per service: how many addresses its pods hold in each pool. */
export const heldAddresses = (
  blocks: Iterable<{
    readonly pool: string
    readonly allocations: ReadonlyArray<BlockAllocation>
  }>,
  naming: ServiceNaming,
): ReadonlyMap<string, Pick<HeldAddresses, 'all' | 'fixed'>> => {
  const services = new Map<string, Counts>()
  for (const { pool, allocations } of blocks) {
    for (const allocation of allocations) {
      const service = serviceOf(allocation, naming)
      if (service === undefined) continue
      const counts = services.get(service) ?? { all: new Map(), fixed: new Map() }
      addTo(counts.all, pool)
      if (allocation.fixed !== undefined) addTo(counts.fixed, pool)
      services.set(service, counts)
    }
  }
  return services
}
