/** Finding and deleting links over a socket, with errors that name the link. */
import { ENODEV } from './netlink/constants.ts'
import { deleteLink, getLinkByIndex, getLinkByName, type Link, parseLink } from './netlink/link.ts'
import type { NetlinkRequest } from './netlink/message.ts'
import { expectDone, NetlinkError, type NetlinkSocket } from './netlink/socket.ts'

const find = (socket: NetlinkSocket, request: NetlinkRequest): Link | undefined => {
  try {
    return parseLink(socket.get(request))
  } catch (error) {
    if (error instanceof NetlinkError && error.errno === ENODEV) return undefined
    throw error
  }
}

export const findLink = (socket: NetlinkSocket, name: string): Link | undefined =>
  find(socket, getLinkByName(name))

export const findLinkByIndex = (socket: NetlinkSocket, index: number): Link | undefined =>
  find(socket, getLinkByIndex(index))

/** Whether it is of a kind that this plugin makes: anything else is not ours to delete. */
export const isPair = (link: Link): boolean => link.kind === 'veth' || link.kind === 'netkit'

/** Deletes by index, which the kernel does not give to a newer link. Gone already: success. */
export const removeLink = (socket: NetlinkSocket, link: Link): void => {
  const [answer] = socket.perform([deleteLink(link.index)])
  if (answer === undefined || answer.errno === ENODEV) return
  attempt(`cannot delete link ${link.name}`, () => expectDone([answer]))
}

/** Runs `body`; its error gets the sentence's beginning. */
export const attempt = <T>(what: string, body: () => T): T => {
  try {
    return body()
  } catch (error) {
    throw new Error(`${what}: ${(error as Error).message}`, { cause: error })
  }
}
