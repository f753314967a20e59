/**
 * Handle ids: what names the owner of an allocation, and the forms Calico gives them. Reading an id
 * drops everything from its first carriage return on: an old migration left such damage in stored
 * data, and Calico reads it so.
 */

/** Owner of the addresses kept for a Windows host; it never has a Handle object. */
export const windowsReservedHandleID = 'windows-reserved-ipam-handle'

export const sanitizedHandleID = (id: string): string => {
  const end = id.indexOf('\r')
  return end < 0 ? id : id.slice(0, end)
}

/** Whether the id marks addresses kept for a Windows host, in any letter case. */
export const isWindowsReserved = (id: string | undefined): boolean =>
  id !== undefined && id.toLowerCase() === windowsReservedHandleID

/** Owner of a container's addresses: CNI network name and container id. */
export const containerHandleID = (network: string, containerID: string): string =>
  `${network}.${containerID}`

/** What versions before Calico 3 called a pod's addresses; DEL still releases it. */
export const legacyPodHandleID = (namespace: string, pod: string): string => `${namespace}.${pod}`

/** Addresses of a node's own tunnel devices. */
export type TunnelKind = 'ipip' | 'vxlan' | 'vxlan-v6' | 'wireguard' | 'wireguard-v6'

export const tunnelHandleID = (kind: TunnelKind, node: string): string =>
  `${kind}-tunnel-addr-${node}`
