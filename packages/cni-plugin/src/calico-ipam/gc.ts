/**
 * GC: gives back what this node holds, in this network, for containers that are gone. Only handles
 * of the form `{network}.{container id}` on allocations that name this node; each release states
 * handle and sequence number, so an address that changed hands meanwhile stays.
 */
import { fixedStateOf } from '@hc-calico/ipam-core'
import type { KeyValue } from '@hc-calico/ipam-core/ports'
import { addressAt } from '../addresses.ts'
import { readAll } from '../datastore-access.ts'
import { withLockedIPAM } from '../ipam-access.ts'
import type { Session } from '../session.ts'
import type { Attachment } from '../skel/net-conf.ts'

/** An allocation of a container that the runtime does not know any more. */
export interface StaleAllocation {
  readonly containerID: string
  /** The pod it was given to, where the allocation says so. */
  readonly pod?: { readonly namespace: string; readonly name: string }
  readonly address: string
  readonly handle: string
  readonly block: string
  readonly sequenceNumber: bigint
}

interface Stranded {
  readonly handleID: string
  readonly holderID: string
}

interface Scope {
  readonly network: string
  readonly node: string
  readonly valid: ReadonlyArray<Attachment>
}

const scopeOf = (session: Session): Scope => ({
  network: session.config.network,
  node: session.node,
  valid: session.call.conf.validAttachments ?? [],
})

/**
 * The container a handle belongs to; undefined: not certainly a container of this network. Network
 * names may contain dots and ids of real runtimes never do, so `a.b.{id}` is not taken for a
 * container `b.{id}` of network `a`, nor is the handle of a virtual machine.
 */
export const containerOf = (handle: string, network: string): string | undefined => {
  if (!handle.startsWith(`${network}.`)) return undefined
  const rest = handle.slice(network.length + 1)
  return rest === '' || rest.includes('.') ? undefined : rest
}

const podOf = ({ namespace, pod }: Readonly<Record<string, string>>) =>
  namespace === undefined || pod === undefined ? {} : { pod: { namespace, name: pod } }

const staleIn = (
  block: KeyValue<'Block'>['value'],
  scope: Scope,
): ReadonlyArray<StaleAllocation> => {
  const alive = new Set(scope.valid.map((one) => one.containerID))
  return block.allocations.flatMap((index, ordinal) => {
    const attribute = index === null ? undefined : block.attributes[index]
    const handle = attribute?.handleID
    if (handle === undefined || attribute?.secondary?.node !== scope.node) return []
    const containerID = containerOf(handle, scope.network)
    if (containerID === undefined || alive.has(containerID)) return []
    const address = addressAt(block.cidr, ordinal)
    const sequenceNumber = block.sequenceNumberForAllocation[String(ordinal)] ?? 0n
    const pod = podOf(attribute.secondary)
    return [{ containerID, ...pod, address, handle, block: block.cidr, sequenceNumber }]
  })
}

/** Fixed allocations of this node whose holder the runtime does not know any more. */
const strandedIn = (block: KeyValue<'Block'>['value'], scope: Scope): ReadonlyArray<Stranded> => {
  const alive = new Set(scope.valid.map((one) => one.containerID))
  return block.attributes.flatMap(({ handleID, secondary }) => {
    const holder = fixedStateOf(secondary)?.holder
    if (handleID === undefined || holder === undefined || holder.node !== scope.node) return []
    const containerID = containerOf(holder.id, scope.network)
    if (containerID === undefined || alive.has(containerID)) return []
    return [{ handleID, holderID: holder.id }]
  })
}

/** A fixed address stays its identity's; it only stops naming a container that is gone. */
export const parkStranded = async (session: Session): Promise<void> => {
  const scope = scopeOf(session)
  const [blocks] = await readAll(await session.datastore(), [{ list: 'Block' }])
  const stranded = blocks.flatMap(({ value }) => strandedIn(value, scope))
  if (stranded.length === 0) return
  await withLockedIPAM(session, async (ipam) => {
    for (const one of stranded) {
      await ipam.parkFixed(one)
      session.log.info('Parked', { handle: one.handleID, holder: one.holderID })
    }
  })
}

/** What could be collected now. Reads every block once: GC is rare and nobody waits for it. */
export const findStale = async (session: Session): Promise<ReadonlyArray<StaleAllocation>> => {
  const scope = scopeOf(session)
  const [blocks] = await readAll(await session.datastore(), [{ list: 'Block' }])
  return blocks.flatMap((block) => staleIn(block.value, scope))
}

export const releaseStale = async (
  session: Session,
  stale: ReadonlyArray<StaleAllocation>,
): Promise<void> => {
  if (stale.length === 0) return
  await withLockedIPAM(session, (ipam) =>
    ipam.releaseIPs(
      stale.map(({ address, handle, block, sequenceNumber }) => ({
        address,
        handle,
        sequenceNumber,
        blockHint: block,
      })),
    ),
  )
  for (const { address, handle } of stale) session.log.info('Collected', { ip: address, handle })
}

export const collectAddresses = async (session: Session): Promise<void> => {
  await releaseStale(session, await findStale(session))
  await parkStranded(session)
}
