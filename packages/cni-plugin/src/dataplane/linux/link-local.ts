/**
 * The gateway of a container over IPv6: the link-local address of the host's end. The kernel makes
 * it by itself a moment after both ends are up, so it has to be waited for.
 */
import type { Kernel } from './kernel.ts'
import { listAddresses, parseAddress } from './netlink/address.ts'
import { linkLocalOf } from './netlink/address-bytes.ts'
import { AF_INET6, IFA_F_DADFAILED, IFA_F_TENTATIVE } from './netlink/constants.ts'
import { type Link, setLinkMAC, setLinkState } from './netlink/link.ts'
import { expectDone, type NetlinkSocket } from './netlink/socket.ts'
import { applySysctls, linkLocalFromMAC } from './sysctl.ts'
import { hostMAC } from './veth.ts'

/**
 * Some 0.2 ms are usual, less than the shortest sleep: hence a few looks without one. Upstream gives
 * up after 500 ms; we have time for a busy machine.
 */
const pollsMs = [...Array<number>(12).fill(0), 1, 1, 2, 5, 10, 20, ...Array<number>(40).fill(50)]

const isUsable = (flags: number): boolean => (flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) === 0

/** Link-local addresses (fe80::/10) of a link that can be used. */
export const linkLocalAddresses = (socket: NetlinkSocket, linkIndex: number): string[] =>
  socket
    .list(listAddresses(AF_INET6, linkIndex))
    .map(parseAddress)
    .filter((one) => one.linkIndex === linkIndex && isUsable(one.flags))
    .map((one) => one.address)
    .filter((address) => /^fe[89ab][0-9a-f]:/.test(address))

/** Makes the kernel derive the address again, from the MAC address this time. */
const renew = (kernel: Kernel, host: NetlinkSocket, link: Link): void => {
  applySysctls([linkLocalFromMAC(link.name)], kernel.writeSysctl, kernel.notes)
  expectDone(host.perform([setLinkState(link.index, false), setLinkMAC(link.index, hostMAC)]))
  expectDone(host.perform([setLinkState(link.index, true)]))
}

/** Waits for the address that belongs to the link's MAC address. */
export const waitForLinkLocal = async (
  kernel: Kernel,
  host: NetlinkSocket,
  link: Link,
): Promise<string> => {
  const expected = linkLocalOf(link.mac ?? hostMAC)
  let others: string[] = []
  for (const ms of pollsMs) {
    if (ms > 0) await kernel.sleep(ms)
    const found = linkLocalAddresses(host, link.index)
    if (found.includes(expected)) return expected
    if (found.length > 0 && others.length === 0) renew(kernel, host, link)
    others = found.length > 0 ? found : others
  }
  const instead = others.length === 0 ? 'no IPv6 link-local address' : `only ${others.join(', ')}`
  throw new Error(`link ${link.name} has ${instead}, and should have ${expected}`)
}
