/**
 * Network sysctls, written where the calling thread is. The values are Calico's (its CNI plugin,
 * host side and container side); the host's are set before the link goes up, so that the kernel
 * never acts on others. Only synchronous: the container's are written during a visit.
 */
import { writeFileSync } from 'node:fs'
import type { Notes } from '../dataplane.ts'

export interface Sysctl {
  /** Below /proc/sys/net, segments between slashes. */
  readonly path: string
  readonly value: string
  /** Tolerated when the kernel lacks it or refuses. */
  readonly optional?: boolean
}

export interface Families {
  readonly hasIPv4: boolean
  readonly hasIPv6: boolean
}

const perInterface = (family: 'ipv4' | 'ipv6', kind: 'conf' | 'neigh', name: string) => {
  if (name === '' || name === '.' || name === '..' || name.includes('/')) {
    throw new Error(`not an interface name: ${JSON.stringify(name)}`)
  }
  return (key: string): string => `${family}/${kind}/${name}/${key}`
}

/** The host end answers for the gateway (proxy ARP, proxy NDP) and forwards what it gets. */
export const hostSysctls = (name: string, families: Families): ReadonlyArray<Sysctl> => {
  const v4 = perInterface('ipv4', 'conf', name)
  const neighbour = perInterface('ipv4', 'neigh', name)
  const v6 = perInterface('ipv6', 'conf', name)
  const ipv4: Sysctl[] = [
    { path: v4('route_localnet'), value: '1' },
    // The usual delay before an answer to ARP by proxy would only slow the first packet down.
    { path: neighbour('proxy_delay'), value: '0', optional: true },
    { path: v4('proxy_arp'), value: '1' },
    { path: v4('forwarding'), value: '1' },
  ]
  const ipv6: Sysctl[] = [
    // Every host end has the same link-local address: looking for duplicates only costs time.
    { path: v6('accept_dad'), value: '0' },
    { path: v6('disable_ipv6'), value: '0' },
    { path: v6('proxy_ndp'), value: '1' },
    { path: v6('forwarding'), value: '1' },
  ]
  return [
    ...(families.hasIPv4 ? ipv4 : []),
    ...(families.hasIPv6 ? ipv6 : []),
    { path: v6('accept_ra'), value: '0', optional: true },
  ]
}

export interface ContainerSysctlsRequest extends Families {
  readonly name: string
  readonly allowIPForwarding: boolean
}

export const containerSysctls = (request: ContainerSysctlsRequest): ReadonlyArray<Sysctl> => {
  const forwarding = request.allowIPForwarding ? '1' : '0'
  const v6 = perInterface('ipv6', 'conf', request.name)
  const ipv6: Sysctl[] = [
    { path: v6('accept_dad'), value: '0' },
    ...['all', 'default', 'lo'].map((scope) => ({
      path: `ipv6/conf/${scope}/disable_ipv6`,
      value: '0',
    })),
    { path: 'ipv6/conf/all/forwarding', value: forwarding },
  ]
  return [
    ...(request.hasIPv6 ? ipv6 : []),
    ...(request.hasIPv4 ? [{ path: 'ipv4/ip_forward', value: forwarding }] : []),
  ]
}

/** Addresses of the host end derived from its MAC address, whatever the host's default is. */
export const linkLocalFromMAC = (name: string): Sysctl => ({
  path: perInterface('ipv6', 'conf', name)('addr_gen_mode'),
  value: '0',
  optional: true,
})

export type WriteSysctl = (sysctl: Sysctl) => void

export const writeSysctl = ({ path, value }: Sysctl): void => {
  writeFileSync(`/proc/sys/net/${path}`, value)
}

/** Writes all; the first that matters and fails ends it. */
export const applySysctls = (
  sysctls: ReadonlyArray<Sysctl>,
  write: WriteSysctl,
  notes: Notes,
): void => {
  for (const sysctl of sysctls) {
    try {
      write(sysctl)
    } catch (error) {
      const sentence = `cannot set net/${sysctl.path} to ${sysctl.value}: ${(error as Error).message}`
      if (sysctl.optional !== true) throw new Error(sentence, { cause: error })
      notes.warning(sentence)
    }
  }
}
