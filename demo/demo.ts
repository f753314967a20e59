/**
 * `npm run demo`: two pods on one node get addresses from HC-Calico, reach each other and the node,
 * and give the addresses back; a fixed pod keeps its own, and a service changes its pools. The real executables are called as a container runtime calls them;
 * what they wrote is read as any tool would, through the library. Exits non-zero when anything is
 * not as it should be.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { nodeAddresses } from '@hc-calico/cluster/netns'
import { startProcess, waitUntil } from '@hc-calico/cluster/process'
import { openLocalDatastore } from '@hc-calico/datastore-local'
import { createIPAM, type PoolUtilization } from '@hc-calico/ipam-core'
import type { Datastore } from '@hc-calico/ipam-core/ports'
import { keepAddress } from './fixed-pod.ts'
import { check, DemoFailure, fact, step, title } from './narration.ts'
import { changePools } from './service-pool.ts'
import {
  addressesOf,
  hostPort,
  makeWorld,
  type Pod,
  pools,
  smallPools,
  type World,
} from './world.ts'

type Addresses = readonly [v4: string, v6: string]

const addPod = async ({ cni, conflist }: World, pod: Pod): Promise<Addresses> => {
  const started = performance.now()
  const result = await cni.add(conflist, pod.attachment)
  const ms = Math.round(performance.now() - started)
  const [host] = result.interfaces ?? []
  const addresses = addressesOf(result)
  fact(pod.name, `${addresses.join('  ')}  on ${host?.name}  (${ms} ms)`)
  return addresses
}

const addPods = async (world: World): Promise<readonly [Addresses, Addresses]> => {
  step('ADD twice: hc-calico wires, hc-calico-ipam gives addresses, portmap opens a port')
  const [a, b] = world.pods
  return [await addPod(world, a), await addPod(world, b)]
}

const replay = async ({ cni, conflist, pods }: World, expected: Addresses): Promise<void> => {
  const again = addressesOf(await cni.add(conflist, pods[0].attachment))
  const isSame = again.join() === expected.join()
  check('pod-a once more', isSame, `a replayed ADD gave ${again.join(', ')} instead`)
  // Not of pod-a: Debian's portmap looks for the IPv4 rules of its port in the IPv6 table.
  await cni.check(conflist, pods[1].attachment)
  fact('CHECK of pod-b', 'ok')
}

const ping = async (from: World['node'], label: string, to: string): Promise<void> => {
  check(`${label} ${to}`, await from.reaches(to), `${label} ${to}: no answer to a ping`)
}

const pingAll = async (world: World, a: Addresses, b: Addresses): Promise<void> => {
  step('pings, IPv4 and IPv6')
  const [podA] = world.pods
  for (const address of b) await ping(podA.netns, 'pod-a to pod-b', address)
  for (const address of Object.values(nodeAddresses)) {
    await ping(podA.netns, 'pod-a to its node', address)
  }
  for (const address of a) await ping(world.node, 'the node to pod-a', address)
}

/** Debian's static busybox has a web server that works and a wget that does not. */
const askScript = `fetch(process.argv[1], { signal: AbortSignal.timeout(2000) })
  .then((response) => response.text())
  .then((text) => process.stdout.write(text))`

const useHostPort = async ({ directory, pods }: World): Promise<void> => {
  writeFileSync(join(directory, 'index.html'), 'hello from pod-a')
  const server = await startProcess({
    name: 'httpd',
    file: 'busybox',
    args: ['httpd', '-f', '-p', '80', '-h', directory],
    netns: pods[0].netns.path,
    logFile: join(directory, 'httpd.log'),
  })
  const url = `http://${nodeAddresses.v4}:${hostPort}/index.html`
  try {
    const wait = { what: `${url} answers pod-b`, timeoutMs: 5_000, needs: [server] }
    const answer = await waitUntil(wait, () =>
      pods[1].netns.exec(process.execPath, ['--eval', askScript, url]),
    )
    fact(`pod-b asks port ${hostPort}`, `"${answer}"`)
  } finally {
    await server.kill()
  }
}

const showPool = (pool: PoolUtilization): void => {
  fact(`${pool.name} ${pool.cidr}`, `${pool.inUse} of ${pool.capacity} in use`)
  for (const block of pool.blocks) {
    fact('', `block ${block.cidr}: ${block.inUse} of ${block.capacity}`)
  }
}

const inUse = (utilization: ReadonlyArray<PoolUtilization>): string =>
  utilization.map((pool) => pool.inUse).join()

const showUtilization = async (datastore: Datastore): Promise<void> => {
  step('the pools, as any tool sees them through @hc-calico/ipam-core')
  const utilization = await createIPAM({ datastore }).getUtilization(pools.map(({ name }) => name))
  for (const pool of utilization) showPool(pool)
  if (inUse(utilization) !== '2,2')
    throw new DemoFailure('each pool should have 2 addresses in use')
}

const deletePods = async ({ cni, conflist, pods }: World): Promise<void> => {
  step('DEL both, pod-a twice, as containerd does')
  for (const pod of pods) {
    await cni.del(conflist, pod.attachment)
    fact(pod.name, 'deleted')
  }
  await cni.del(conflist, { ...pods[0].attachment, netns: '' })
  fact('pod-a', 'deleted, although it was not there')
}

/** Names of what exists of a kind. */
const stored = async (datastore: Datastore): Promise<ReadonlyArray<string>> => {
  const answers = await datastore.read([{ list: 'Handle' }, { list: 'WorkloadEndpoint' }])()
  if (answers._tag === 'Left') throw new DemoFailure(answers.left.message)
  const [handles, endpoints] = answers.right
  return [...handles.map(({ value }) => value.id), ...endpoints.map(({ value }) => value.name)]
}

const showNothing = async (what: string, found: ReadonlyArray<string>): Promise<void> => {
  fact(what, found.length === 0 ? 'none' : found.join(', '))
  if (found.length > 0) throw new DemoFailure(`left behind: ${found.join(', ')}`)
}

const checkNothingLeft = async (world: World, datastore: Datastore): Promise<void> => {
  step('what is left')
  const { node } = world
  const namespaces = [node, ...world.made.map((pod) => pod.netns)]
  const links = (await Promise.all(namespaces.map((netns) => netns.links()))).flat()
  const linkNames = links.map((link) => link.ifname).filter((name) => !/^up[01]$/.test(name))
  await showNothing('links', linkNames)
  const routes = [...(await node.routes(4)), ...(await node.routes(6))].map((route) => route.dst)
  const poolRoute = /^(blackhole |unreachable )?(10\.65\.|fd65:)/
  await showNothing(
    'routes',
    routes.filter((dst) => poolRoute.test(dst)),
  )
  const rules = await node.exec('iptables-save', ['-t', 'nat'])
  await showNothing(
    'port rules',
    rules.split('\n').filter((rule) => rule.includes('10.65.')),
  )
  const names = [...pools, ...smallPools].map(({ name }) => name)
  const utilization = await createIPAM({ datastore }).getUtilization(names)
  const used = utilization.filter((pool) => pool.inUse !== 0).map((pool) => pool.name)
  await showNothing('addresses', used)
  await showNothing('handles and endpoints', await stored(datastore))
}

const runDemo = async (world: World): Promise<void> => {
  step(`a node (namespace ${world.node.name}) and two pods, nothing in them yet`)
  for (const pool of pools) fact(pool.name, pool.cidr)
  const [a, b] = await addPods(world)
  await replay(world, a)
  await pingAll(world, a, b)
  await useHostPort(world)
  const datastore = await openLocalDatastore({ file: world.datastoreFile })
  try {
    await showUtilization(datastore)
    await deletePods(world)
    await keepAddress(world, datastore)
    await changePools(world)
    await checkNothingLeft(world, datastore)
  } finally {
    await datastore.close()
  }
}

const main = async (): Promise<void> => {
  title('HC-Calico: a pod gets its address')
  const world = await makeWorld()
  try {
    await runDemo(world)
  } finally {
    await world.remove()
  }
  title('All as it should be.')
}

try {
  await main()
} catch (error) {
  process.exitCode = 1
  const text = error instanceof DemoFailure ? error.message : (error as Error).stack
  process.stderr.write(`\nThe demo failed: ${text}\n`)
}
