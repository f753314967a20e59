/**
 * The name of this node as Calico knows it: stated in the configuration, else in the file that
 * calico/node writes, else the `hostname` field, else the operating system's. The file is also the
 * gate of ADD and DEL: while it is missing, nobody programs the node.
 */

import type { PluginConfig } from './config.ts'
import { isNodeName, nodeNameRule } from './config-fields.ts'
import type { Machine } from './machine.ts'
import { CNIFailure, cniErrorCode } from './skel/cni-error.ts'
import { quoted } from './skel/command-args.ts'

const fileBytesMax = 4096

const checked = (name: string, from: string): string => {
  if (isNodeName(name)) return name
  throw new CNIFailure(
    cniErrorCode.invalidNetworkConfig,
    `${quoted(name)} ${from} is not a node name, which is ${nodeNameRule}; state the right one as "nodename"`,
  )
}

/** Throws code 11 when the file is missing and the configuration does not call it optional. */
const requireFile = (file: string, content: string | undefined, optional: boolean): void => {
  if (content !== undefined || optional) return
  throw new CNIFailure(
    cniErrorCode.tryAgainLater,
    `stat ${file}: no such file or directory: check that the calico/node container is running and has mounted /var/lib/calico/`,
  )
}

/** `gated`: whether the missing file fails the call (the main plugin's ADD and DEL). */
export const nodeNameOf = async (
  config: PluginConfig,
  machine: Machine,
  gated: boolean,
): Promise<string> => {
  const { stated, file, fileOptional, hostname } = config.nodeName
  const gate = gated && !fileOptional
  if (stated !== undefined && !gate) return stated
  const content = await machine.readText(file, fileBytesMax)
  requireFile(file, content, !gate)
  if (stated !== undefined) return stated
  const fromFile = content?.trim() ?? ''
  if (fromFile !== '') return checked(fromFile, `in ${file}`)
  if (hostname !== undefined) return hostname
  return checked(machine.hostname().toLowerCase().trim(), 'of this host')
}
