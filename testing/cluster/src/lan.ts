/**
 * A small network of its own for servers and nodes in namespaces: a bridge in a namespace, and one
 * veth to each member. The machine itself gets one link into it (`hc...`, with an address of the
 * range for benchmarks, 198.18.0.0/15), so that a test can talk to what runs there; no other
 * interface and no route of the machine is touched.
 */
import { spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { command, tryCommand } from './command.ts'
import { createNamespace, type NetworkNamespace } from './netns.ts'
import { atEnd } from './teardown.ts'

/** A network namespace, whoever made it. */
export interface Attachable {
  readonly name: string
  /** iproute2 inside. */
  ip(...args: ReadonlyArray<string>): unknown
}

export interface AttachOptions {
  /** Default true; false for a namespace that has a default route already. */
  readonly defaultRoute?: boolean
}

export interface LAN {
  /** The machine's own address in it. */
  readonly hostAddress: string
  readonly bridge: NetworkNamespace
  /** The n-th member's address, 1 to 200. */
  address(n: number): string
  /** Connects a namespace as the n-th member by a link `lan0`; default route to the machine. */
  attach(namespace: Attachable, n: number, options?: AttachOptions): Promise<string>
  /** Removes the bridge and the machine's link. The members stay, unconnected. */
  remove(): Promise<void>
}

const hostNumber = 254
const triesMax = 20

/** Takes a subnet by giving the machine's link its address; a taken one means: the next. */
const takeSubnet = async (device: string): Promise<string> => {
  for (let tries = 1; ; tries += 1) {
    const subnet = `198.${18 + randomInt(2)}.${randomInt(256)}`
    const routes = await command('ip', ['-4', 'route', 'show', `${subnet}.0/24`])
    if (routes.trim() === '') {
      await command('ip', ['addr', 'add', `${subnet}.${hostNumber}/24`, 'dev', device])
      return subnet
    }
    if (tries === triesMax) throw new Error('no free subnet in 198.18.0.0/15')
  }
}

export const createLAN = async (label: string): Promise<LAN> => {
  const bridge = await createNamespace(`${label}-lan`)
  const device = `hc${process.pid.toString(36)}${randomInt(36 ** 3).toString(36)}`
  await bridge.ip('link', 'add', 'br0', 'type', 'bridge')
  await bridge.ip('link', 'set', 'br0', 'up')
  await bridge.ip('link', 'add', 'host0', 'type', 'veth', 'peer', 'name', device)
  await bridge.ip('link', 'set', 'host0', 'master', 'br0')
  await bridge.ip('link', 'set', 'host0', 'up')
  // The peer moves to this process's namespace; it goes away with the bridge's end of it.
  await bridge.ip('link', 'set', device, 'netns', String(process.pid))
  // An exit handler is faster than the kernel, which takes the link away some time later.
  const forget = atEnd(`link ${device}`, () => spawnSync('ip', ['link', 'delete', device]))
  const subnet = await takeSubnet(device)
  await command('ip', ['link', 'set', device, 'up'])
  const address = (n: number): string => `${subnet}.${n}`
  return {
    hostAddress: address(hostNumber),
    bridge,
    address,
    attach: async (namespace, n, { defaultRoute = true } = {}) => {
      const port = `port${n}`
      await bridge.ip('link', 'add', port, 'type', 'veth', 'peer', 'name', `${port}p`)
      await bridge.ip('link', 'set', port, 'master', 'br0')
      await bridge.ip('link', 'set', port, 'up')
      await bridge.ip('link', 'set', `${port}p`, 'name', 'lan0', 'netns', namespace.name)
      await namespace.ip('link', 'set', 'lan0', 'up')
      await namespace.ip('addr', 'add', `${address(n)}/24`, 'dev', 'lan0')
      if (defaultRoute) await namespace.ip('route', 'add', 'default', 'via', address(hostNumber))
      return address(n)
    },
    remove: async () => {
      // The namespace lives on as long as a packet is in flight; the link must be gone now.
      await tryCommand('ip', ['link', 'delete', device])
      forget()
      await bridge.delete()
    },
  }
}
