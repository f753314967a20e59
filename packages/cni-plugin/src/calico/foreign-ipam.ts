/**
 * An IPAM plugin that is not ours (host-local, static, dhcp, ...): called as an executable. For
 * host-local Calico has a word of its own, `usePodCidr`, which stands for the node's pod CIDR.
 */
import { type DelegateCall, delegate, delegateAdd } from '../delegate.ts'
import type { Session } from '../session.ts'
import { CNIFailure, cniErrorCode } from '../skel/cni-error.ts'
import type { Result } from '../skel/result.ts'
import { type CNICommand, commandSince, isAtLeast } from '../skel/spec-version.ts'

type Document = Readonly<Record<string, unknown>>

const isMagic = (value: unknown): value is string =>
  typeof value === 'string' && /^usepodcidr(ipv6)?$/i.test(value)

/** DEL needs no real subnet: host-local finds its files by container id. */
const standIn = (magic: string): string => (/ipv6$/i.test(magic) ? '::/0' : '0.0.0.0/0')

const replaceSubnet = (holder: Document, replace: (magic: string) => string): Document => {
  const { subnet } = holder
  return isMagic(subnet) ? { ...holder, subnet: replace(subnet) } : holder
}

const replaceSubnets = (ipam: Document, replace: (magic: string) => string): Document => {
  const { ranges } = ipam
  const replaced = replaceSubnet(ipam, replace)
  if (!Array.isArray(ranges)) return replaced
  const inSet = (set: unknown) =>
    Array.isArray(set) ? set.map((range) => replaceSubnet(range as Document, replace)) : set
  return { ...replaced, ranges: ranges.map(inSet) }
}

/** The node's pod CIDR of the family a word stands for. Throws code 7 when there is not exactly one. */
const podCIDROf =
  (node: string, cidrs: ReadonlyArray<string>) =>
  (magic: string): string => {
    const family = /ipv6$/i.test(magic) ? 6 : 4
    const fitting = cidrs.filter((cidr) => cidr.includes(':') === (family === 6))
    const [cidr] = fitting
    if (cidr !== undefined && fitting.length === 1) return cidr
    const found =
      cidr === undefined
        ? `there is no IPv${family} CIDR configured`
        : `there are ${fitting.length}`
    throw new CNIFailure(
      cniErrorCode.invalidNetworkConfig,
      `${magic} found but ${found} for node ${node} (spec.podCIDRs: ${cidrs.join(', ') || 'empty'})`,
    )
  }

const hasMagic = (ipam: Document): boolean => {
  let found = false
  replaceSubnets(ipam, (magic) => {
    found = true
    return magic
  })
  return found
}

const documentFor = async (session: Session, command: CNICommand): Promise<Document> => {
  const { call, config, node, workloads } = session
  const { raw } = call.conf
  const ipam = raw.ipam as Document | undefined
  if (config.ipam.type !== 'host-local' || ipam === undefined || !hasMagic(ipam)) return raw
  if (command !== 'ADD') return { ...raw, ipam: replaceSubnets(ipam, standIn) }
  const name = config.podCIDRNode ?? node
  const cidrs = await workloads.podCIDRs(name)
  return { ...raw, ipam: replaceSubnets(ipam, podCIDROf(name, cidrs)) }
}

/** Go's parser of CNI_ARGS does not forgive an empty pair. */
const lenientArgs = (args: string): string =>
  args === '' ? 'IgnoreUnknown=1' : `IgnoreUnknown=1;${args}`

const callFor = async (session: Session, command: CNICommand): Promise<DelegateCall> => ({
  plugin: session.config.ipam.type ?? '',
  command,
  args: { ...session.call.args, args: lenientArgs(session.call.args.args) },
  document: await documentFor(session, command),
})

/** What ADD will hand over; throws code 7 when it cannot be known here. Touches nothing. */
export const checkForeignIPAM = async (session: Session): Promise<void> => {
  await documentFor(session, 'ADD')
}

/** Rejects with the plugin's error, or code 101 when it answers without an address. */
export const addForeign = async (session: Session): Promise<Result> => {
  const result = await delegateAdd(
    session.machine,
    await callFor(session, 'ADD'),
    session.config.cniVersion,
  )
  if (result.ips.length > 0) return result
  throw new CNIFailure(cniErrorCode.addressRefused, 'IPAM plugin returned missing IP config')
}

/** DEL, CHECK, STATUS or GC; those the configuration's version does not have are left out. */
export const runForeign = async (
  session: Session,
  command: 'DEL' | 'CHECK' | 'STATUS' | 'GC',
): Promise<void> => {
  if (!isAtLeast(session.config.cniVersion, commandSince[command])) return
  await delegate(session.machine, await callFor(session, command))
}

/** DEL after a failed ADD. Never rejects. */
export const deleteForeignAfterFailure = async (session: Session): Promise<void> => {
  try {
    await runForeign(session, 'DEL')
  } catch (error) {
    session.log.warning('The IPAM plugin could not take its addresses back', {
      plugin: session.config.ipam.type,
      reason: (error as Error).message,
    })
  }
}
