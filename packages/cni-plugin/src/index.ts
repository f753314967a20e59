/** The CNI protocol as a library, for plugins of your own, and our two plugins to embed in tests. */
export type {
  AddWorkloadRequest,
  CheckWorkloadRequest,
  ContainerRoute,
  Dataplane,
  DeleteWorkloadRequest,
  HostLock,
  NetworkNamespaceInfo,
  Notes,
  WorkloadLink,
} from './dataplane/dataplane.ts'
export type { Executed, Execution, Machine } from './machine.ts'
export { ipamPlugin, mainPlugin, pluginNamed, pluginNames } from './plugins.ts'
export { CNIFailure, cniErrorCode } from './skel/cni-error.ts'
export type { CommandArgs, Environment } from './skel/command-args.ts'
export type { Attachment, NetConf } from './skel/net-conf.ts'
export { readResult } from './skel/previous-result.ts'
export type {
  Result,
  ResultDNS,
  ResultInterface,
  ResultIP,
  ResultRoute,
} from './skel/result.ts'
export { resultDocument } from './skel/result.ts'
export { type Plugin, type PluginCall, type PluginIO, runPlugin } from './skel/run-plugin.ts'
export { type CNICommand, type SpecVersion, supportedVersions } from './skel/spec-version.ts'
