/** Configurations and calls as the commands see them, from documents as a runtime writes them. */
import { readConfig } from '../src/config.ts'
import { parseCNIArgs, readCommandArgs } from '../src/skel/command-args.ts'
import { parseDocument, readNetConf, versionOf } from '../src/skel/net-conf.ts'
import type { PluginCall } from '../src/skel/run-plugin.ts'

const minimal = { cniVersion: '1.1.0', name: 'k8s-pod-network', type: 'hc-calico' }

export const parsedCall = (
  env: Record<string, string | undefined> = {},
  conf: object = {},
): PluginCall => {
  const all = {
    CNI_COMMAND: 'ADD',
    CNI_CONTAINERID: 'c1',
    CNI_NETNS: '/var/run/netns/a',
    CNI_IFNAME: 'eth0',
    CNI_PATH: '/opt/cni/bin',
    ...env,
  }
  const raw = parseDocument(JSON.stringify({ ...minimal, ...conf }))
  const args = readCommandArgs(all)
  return {
    args,
    cniArgs: parseCNIArgs(args.args),
    conf: readNetConf(raw, versionOf(raw), args.command),
    env: all,
  }
}

export const parsedConfig = (conf: object = {}, env: Record<string, string | undefined> = {}) =>
  readConfig(parsedCall({}, conf).conf, env)
