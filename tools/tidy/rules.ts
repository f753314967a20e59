/** The shape of the repository as data: who may import what, and how long things may be. */

/** Which of our packages a package may import (docs/architecture.md). */
export const arrows: Readonly<Record<string, ReadonlyArray<string>>> = {
  'ipam-core': [],
  'crd-types': [],
  'kube-client': ['crd-types'],
  'datastore-local': ['ipam-core', 'crd-types'],
  'datastore-etcd': ['ipam-core', 'crd-types'],
  'datastore-kdd': ['ipam-core', 'crd-types', 'kube-client'],
  controller: ['ipam-core', 'crd-types', 'kube-client', 'datastore-etcd', 'datastore-kdd'],
  'cni-plugin': [
    'ipam-core',
    'crd-types',
    'kube-client',
    'datastore-local',
    'datastore-etcd',
    'datastore-kdd',
  ],
}

/** Packages from elsewhere that only one file of the whole repository may import. */
export const soleImporters: Readonly<Record<string, string>> = {
  ip6addr: 'packages/ipam-core/src/ip/any-spelling.ts',
  etcd3: 'packages/datastore-etcd/src/client.ts',
  '@kubernetes/client-node': 'packages/kube-client/src/client.ts',
  'node:sqlite': 'packages/datastore-local/src/client.ts',
  'bun:ffi': 'packages/cni-plugin/src/dataplane/linux/libc-bun.ts',
}

/** Third-party packages each published package may import. */
export const thirdParty: Readonly<Record<string, RegExp>> = {
  'ipam-core': /^(fp-ts\/lib\/\w+\.js|ip6addr)$/,
  'crd-types': /^(fp-ts\/lib\/\w+\.js|io-ts)$/,
  'datastore-local': /^(fp-ts\/lib\/\w+\.js|node:.+)$/,
  'datastore-etcd': /^(fp-ts\/lib\/\w+\.js|etcd3|node:.+)$/,
  'datastore-kdd': /^(fp-ts\/lib\/\w+\.js|node:.+)$/,
  'kube-client': /^(@kubernetes\/client-node|js-yaml|node:.+)$/,
  controller: /^(fp-ts\/lib\/\w+\.js|prom-client|node:.+)$/,
  'cni-plugin': /^(fp-ts\/lib\/\w+\.js|io-ts|node:.+|bun:ffi)$/,
}

export const linesMax = { source: 300, codecs: 400, test: 500 } as const
export const functionLinesMax = { anywhere: 60, decisions: 40 } as const

export const bannedNames = /^(utils?|helpers?|common|misc|shared|manager|service)(\.\w+)*$/
