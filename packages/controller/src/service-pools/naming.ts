/**
 * Which service each pod names, kept up to date pod by pod: to look through all pods with every run
 * would cost more than the rest of it. In two levels, because joining two texts for each of 220,000
 * addresses does too.
 */
import type { ServiceNaming } from '../decisions/held-addresses.ts'
import type { Change } from '../sources/cache.ts'
import { type PodFacts, poolAnnotations, serviceAnnotation } from '../sources/pods.ts'
import type { Sources } from '../sources/sources.ts'

interface Named {
  readonly service: string
  /** The pod names pools by itself, too. */
  readonly isOverriding: boolean
}

const namedBy = ({ annotations }: PodFacts): Named | undefined => {
  const service = annotations[serviceAnnotation] ?? ''
  if (service === '') return undefined
  return { service, isOverriding: poolAnnotations.some((key) => key in annotations) }
}

type Watched = Pick<Sources, 'pods' | 'servicePools' | 'statefulSets' | 'kruiseSets'>

export class PodServices implements ServiceNaming {
  readonly #byNamespace = new Map<string, Map<string, Named>>()
  readonly #sources: Watched
  readonly #central: string

  constructor(sources: Watched, central: string) {
    this.#sources = sources
    this.#central = central
    for (const [key, now] of sources.pods.all()) this.#take({ key, before: undefined, now })
    sources.pods.subscribe((change) => this.#take(change))
  }

  #take({ before, now }: Change<PodFacts>): void {
    const pod = now ?? before
    if (pod === undefined) return
    const named = now === undefined ? undefined : namedBy(now)
    const pods = this.#byNamespace.get(pod.namespace)
    if (named === undefined) {
      pods?.delete(pod.name)
      if (pods?.size === 0) this.#byNamespace.delete(pod.namespace)
    } else if (pods === undefined) {
      this.#byNamespace.set(pod.namespace, new Map([[pod.name, named]]))
    } else pods.set(pod.name, named)
  }

  /** The object that a name means in a namespace: there, then in the central one. */
  #keyOf(namespace: string, service: string): string {
    const own = `${namespace}/${service}`
    return this.#sources.servicePools.get(own) === undefined ? `${this.#central}/${service}` : own
  }

  readonly ofPod = (namespace: string, pod: string): string | undefined => {
    const named = this.#byNamespace.get(namespace)?.get(pod)
    return named === undefined ? undefined : this.#keyOf(namespace, named.service)
  }

  readonly ofSet = (namespace: string, set: string): string | undefined => {
    const { statefulSets, kruiseSets } = this.#sources
    const key = `${namespace}/${set}`
    const facts = statefulSets.get(key) ?? kruiseSets.get(key)
    const service = facts?.templateAnnotations[serviceAnnotation] ?? ''
    return service === '' ? undefined : this.#keyOf(namespace, service)
  }

  /** Per service: pods that name pools by themselves, too. */
  overriding(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>()
    for (const [namespace, pods] of this.#byNamespace) {
      for (const { service, isOverriding } of pods.values()) {
        if (!isOverriding) continue
        const key = this.#keyOf(namespace, service)
        counts.set(key, (counts.get(key) ?? 0) + 1)
      }
    }
    return counts
  }
}
