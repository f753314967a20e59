/**
 * Workload endpoints and profiles in the datastore. The rule that everything here serves: an
 * endpoint belongs to the container named in it, and nobody else removes it.
 */
import {
  type Datastore,
  DatastoreFailure,
  type KeyValue,
  type Values,
  type Write,
} from '@hc-calico/ipam-core/ports'
import { readAll, tryWrite, writeDecided } from '../datastore-access.ts'
import { endpointName, endpointNamePrefix, type Identity } from '../identity.ts'
import { clusterInformation, requireReady } from '../readiness.ts'
import type { Session } from '../session.ts'
import { CNIFailure, cniErrorCode } from '../skel/cni-error.ts'
import { type Endpoint, isOfWorkload } from './endpoint.ts'

type StoredEndpoint = KeyValue<'WorkloadEndpoint'>

export interface Surroundings {
  readonly existing: StoredEndpoint | undefined
  /** Whether the network's profile is there, where one is needed. */
  readonly hasProfile: boolean
}

const endpointsOf = (identity: Identity) =>
  ({
    list: 'WorkloadEndpoint',
    where: { namespace: identity.namespace, namePrefix: endpointNamePrefix(identity) },
  }) as const

const profileKey = (network: string) => ({ kind: 'Profile', name: network }) as const

const ofWorkload = (listed: ReadonlyArray<StoredEndpoint>, identity: Identity) =>
  listed.find((one) => isOfWorkload(one.value, identity))

/** With policy for Kubernetes, profiles follow from namespaces; so they do on the Kubernetes API. */
const needsProfile = ({ config }: Session): boolean =>
  config.policyType !== 'k8s' && config.datastore.type !== 'kubernetes'

/** One round trip: readiness, this workload's endpoint, the network's profile. Throws code 11. */
export const readSurroundings = async (
  session: Session,
  identity: Identity,
): Promise<Surroundings> => {
  const datastore = await session.datastore()
  const wanted = [clusterInformation, endpointsOf(identity)] as const
  if (!needsProfile(session)) {
    const [ready, listed] = await readAll(datastore, wanted)
    requireReady(session.config, ready)
    return { existing: ofWorkload(listed, identity), hasProfile: true }
  }
  const profile = { get: profileKey(session.config.network) } as const
  const [ready, listed, found] = await readAll(datastore, [...wanted, profile])
  requireReady(session.config, ready)
  return { existing: ofWorkload(listed, identity), hasProfile: found !== undefined }
}

/**
 * One round trip: readiness, and the endpoint DEL is about: the one named after the interface, else
 * one this container has under another name. Throws code 11.
 */
export const readForDelete = async (
  session: Session,
  identity: Identity,
): Promise<StoredEndpoint | undefined> => {
  const datastore = await session.datastore()
  const [ready, listed] = await readAll(datastore, [clusterInformation, endpointsOf(identity)])
  requireReady(session.config, ready)
  const candidates = listed.filter((one) => isOfWorkload(one.value, identity))
  return (
    candidates.find((one) => one.value.name === endpointName(identity)) ??
    candidates.find((one) => one.value.containerID === identity.containerID)
  )
}

/** Everything is allowed out, and in from members of the network; from all, for Kubernetes. */
const profileFor = (network: string, identity: Identity): Values['Profile'] => ({
  name: network,
  labelsToApply: { [network]: '' },
  ...(identity.orchestrator === 'k8s' ? {} : { ingressFrom: `has(${network})` }),
})

/** Makes the network's profile. One that exists is never changed: its rules may be the user's. */
export const ensureProfile = async (session: Session, identity: Identity): Promise<void> => {
  const { network } = session.config
  const value = profileFor(network, identity)
  const failure = await tryWrite(await session.datastore(), {
    op: 'create',
    key: profileKey(network),
    value,
  })
  if (failure === undefined || failure.error.tag === 'AlreadyExists') return
  if (failure.error.tag === 'OutcomeUnknown') return
  if (failure.error.tag !== 'Unsupported') throw new DatastoreFailure(failure.error)
  session.log.warning('This datastore has no profiles of its own; set policy.type to "k8s"', {
    profile: network,
  })
}

export interface EndpointName {
  readonly namespace: string
  readonly name: string
}

const keyOf = ({ namespace, name }: EndpointName) =>
  ({ kind: 'WorkloadEndpoint', namespace, name }) as const

/** Calico's own client makes these for what it creates, and wants them for every later update. */
const createdMetadata = ({ machine }: Session) => ({
  uid: crypto.randomUUID(),
  creationTimestamp: instantSeconds(machine.clock.now()),
})

const putOf = (session: Session, value: Endpoint, current: StoredEndpoint | undefined): Write =>
  current === undefined
    ? {
        op: 'create',
        key: keyOf(value),
        value: { ...value, unknownFields: { metadata: createdMetadata(session) } },
      }
    : {
        op: 'update',
        key: current.key,
        value: { ...value, ...kept(current.value) },
        revision: current.revision,
      }

const kept = ({ unknownFields }: Endpoint) => (unknownFields === undefined ? {} : { unknownFields })

/** RFC 3339 with whole seconds, as Kubernetes writes times. */
const instantSeconds = (now: bigint): string =>
  `${new Date(Number(now / 1_000_000n)).toISOString().slice(0, 19)}Z`

const readEndpoint = async (datastore: Datastore, key: ReturnType<typeof keyOf>) => {
  const [found] = await readAll(datastore, [{ get: key }])
  return found
}

/**
 * Writes the container's endpoint over the one that was there when ADD began. When it changed since,
 * that is fine unless another container of the pod took it over: then this ADD is the older one.
 */
export const writeEndpoint = async (
  session: Session,
  value: Endpoint,
  seen: StoredEndpoint | undefined,
): Promise<void> => {
  const datastore = await session.datastore()
  const mayReplace = new Set([value.containerID, seen?.value.containerID, undefined, ''])
  let first = true
  await writeDecided(datastore, async () => {
    const current = first ? seen : await readEndpoint(datastore, keyOf(value))
    if (!first && isSame(current?.value, value)) return undefined
    first = false
    if (current === undefined || mayReplace.has(current.value.containerID)) {
      return putOf(session, value, current)
    }
    throw new CNIFailure(
      cniErrorCode.tryAgainLater,
      `another container (${current.value.containerID}) of ${value.namespace}/${value.pod ?? value.workload} was set up meanwhile`,
    )
  })
}

const isSame = (current: Endpoint | undefined, wanted: Endpoint): boolean =>
  current !== undefined &&
  current.containerID === wanted.containerID &&
  // On the Kubernetes API it is not recorded.
  (current.mac === undefined || current.mac === wanted.mac) &&
  current.ipNetworks.join() === wanted.ipNetworks.join()

/** For a second network that joins a container: its profile is added, nothing else changes. */
export const addProfileToEndpoint = async (
  session: Session,
  existing: StoredEndpoint,
): Promise<void> => {
  const datastore = await session.datastore()
  const { network } = session.config
  const key = keyOf(existing.value)
  let current: StoredEndpoint | undefined = existing
  await writeDecided(datastore, async () => {
    const found = current ?? (await readEndpoint(datastore, key))
    current = undefined
    if (found === undefined || found.value.profiles.includes(network)) return undefined
    const value = { ...found.value, profiles: [...found.value.profiles, network] }
    return putOf(session, value, found)
  })
}

/** Whether this container's DEL may remove the endpoint. */
export type Ownership = (containerID: string | undefined) => boolean

/**
 * Removes the endpoint if `mayDelete` says so, re-reading after every lost race. Resolves to whether
 * this call removed it.
 */
export const deleteEndpoint = async (
  session: Session,
  name: EndpointName,
  mayDelete: Ownership,
  seen?: StoredEndpoint,
): Promise<boolean> => {
  const datastore = await session.datastore()
  let known = seen
  return writeDecided(datastore, async () => {
    const current = known ?? (await readEndpoint(datastore, keyOf(name)))
    known = undefined
    if (current === undefined || !mayDelete(current.value.containerID)) return undefined
    return { op: 'delete', key: current.key, revision: current.revision }
  })
}
