/** The two plugins: which function answers which command, and what a session needs for it. */

import { addWorkload } from './calico/add.ts'
import { checkWorkload } from './calico/check.ts'
import { deleteWorkload } from './calico/del.ts'
import { collectWorkloads } from './calico/gc.ts'
import { reportStatus } from './calico/status.ts'
import { addAddresses } from './calico-ipam/add.ts'
import { checkAddresses } from './calico-ipam/check.ts'
import { deleteAddresses } from './calico-ipam/del.ts'
import { collectAddresses } from './calico-ipam/gc.ts'
import { requireRoom } from './calico-ipam/status.ts'
import type { Machine } from './machine.ts'
import { type Session, withSession } from './session.ts'
import { CNIFailure, cniErrorCode, toFailure } from './skel/cni-error.ts'
import type { Result } from './skel/result.ts'
import type { Plugin, PluginCall } from './skel/run-plugin.ts'
import { version } from './version.ts'

interface Commands {
  readonly add: (session: Session) => Promise<Result>
  readonly del: (session: Session) => Promise<void>
  readonly check: (session: Session) => Promise<void>
  readonly status: (session: Session) => Promise<void>
  readonly gc: (session: Session) => Promise<void>
}

const ipamCommands: Commands = {
  add: addAddresses,
  del: deleteAddresses,
  check: checkAddresses,
  status: requireRoom,
  gc: collectAddresses,
}

const mainCommands: Commands = {
  add: addWorkload,
  del: deleteWorkload,
  check: checkWorkload,
  status: reportStatus,
  gc: collectWorkloads,
}

/** STATUS answers with its own codes; what stands in the way is the reason, whatever its code. */
const asStatus = (thrown: unknown): CNIFailure => {
  const failure = toFailure(thrown)
  const isItsOwn =
    failure.code === cniErrorCode.notAvailable ||
    failure.code === cniErrorCode.notAvailableLimitedConnectivity ||
    failure.code === cniErrorCode.invalidNetworkConfig ||
    failure.code === cniErrorCode.unsupportedField
  if (isItsOwn) return failure
  return new CNIFailure(cniErrorCode.notAvailable, failure.message, {
    cause: failure,
    ...(failure.details === undefined ? {} : { details: failure.details }),
  })
}

const pluginOf = (name: string, commands: Commands, isMain: boolean, machine: Machine): Plugin => {
  /** Calico's main plugin waits for calico/node's file with ADD and DEL; its IPAM plugin does not. */
  const open = (gated: boolean) => ({ plugin: name, gated: isMain && gated })
  const run =
    <A>(body: (session: Session) => Promise<A>, gated: boolean) =>
    (call: PluginCall): Promise<A> =>
      withSession(machine, call, open(gated), body)
  return {
    name,
    version,
    add: run(commands.add, true),
    del: run(commands.del, true),
    check: run(commands.check, false),
    gc: run(commands.gc, false),
    status: async (call) => {
      try {
        await withSession(machine, call, open(true), commands.status)
      } catch (error) {
        throw asStatus(error)
      }
    },
  }
}

/** `hc-calico`, also called `calico`: wires the container. */
export const mainPlugin = (name: string, machine: Machine): Plugin =>
  pluginOf(name, mainCommands, true, machine)

/** `hc-calico-ipam`, also called `calico-ipam`: gives the addresses. */
export const ipamPlugin = (name: string, machine: Machine): Plugin =>
  pluginOf(name, ipamCommands, false, machine)

const byName: Readonly<Record<string, (name: string, machine: Machine) => Plugin>> = {
  'hc-calico': mainPlugin,
  calico: mainPlugin,
  'hc-calico-ipam': ipamPlugin,
  'calico-ipam': ipamPlugin,
}

export const pluginNames: ReadonlyArray<string> = Object.keys(byName)

/** Undefined: the executable was called by a name it does not know. */
export const pluginNamed = (name: string, machine: Machine): Plugin | undefined =>
  Object.hasOwn(byName, name) ? byName[name]?.(name, machine) : undefined
