/** Runs dataplane calls for real: under Bun, in a namespace that plays the host. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { architectureOf, findBun } from '../../build/bun.ts'
import type { AddWorkloadRequest, CheckWorkloadRequest } from '../../src/dataplane/dataplane.ts'
import type { LabNamespace } from '../lab/network-lab.ts'
import type { DrivenAnswer, DrivenCall } from './drive.ts'

const bun = findBun(architectureOf(process.arch)).path
const script = join(import.meta.dirname, 'drive.ts')

/** `through`: a command that starts the driver, e.g. with fewer rights. */
export const driveThrough = (
  through: ReadonlyArray<string>,
  host: LabNamespace,
  calls: ReadonlyArray<DrivenCall>,
): DrivenAnswer[] => {
  const args = [`--net=${host.path}`, ...through, bun, script]
  const input = JSON.stringify(calls)
  const { status, stdout, stderr } = spawnSync('nsenter', args, { input, encoding: 'utf8' })
  if (status !== 0) throw new Error(`the driver failed: ${stderr}`)
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as DrivenAnswer)
}

export const drive = (host: LabNamespace, ...calls: ReadonlyArray<DrivenCall>): DrivenAnswer[] =>
  driveThrough([], host, calls)

/** One call; its error is thrown. */
export const driveOne = (host: LabNamespace, call: DrivenCall): DrivenAnswer => {
  const [answer] = drive(host, call)
  if (answer === undefined) throw new Error('the driver said nothing')
  if (answer.error !== undefined) throw new Error(answer.error)
  return answer
}

/** A usual pod with both families. */
export const addRequest = (
  netns: string,
  over: Partial<AddWorkloadRequest> = {},
): AddWorkloadRequest => ({
  netns,
  containerInterface: 'eth0',
  hostInterface: 'cali0123456789a',
  mtu: 1450,
  numQueues: 1,
  deviceType: 'veth',
  addresses: ['10.65.0.5', 'fd65::5'],
  routes: [{ dst: '0.0.0.0/0' }, { dst: '::/0' }],
  allowIPForwarding: false,
  skipHostRoutes: false,
  ...over,
})

export const checkRequest = (
  request: AddWorkloadRequest,
  over: Partial<CheckWorkloadRequest> = {},
): CheckWorkloadRequest => ({
  netns: request.netns,
  containerInterface: request.containerInterface,
  hostInterface: request.hostInterface,
  addresses: request.addresses,
  routes: request.routes,
  mtu: request.mtu,
  skipHostRoutes: request.skipHostRoutes,
  ...over,
})
