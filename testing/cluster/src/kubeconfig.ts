/** Kubeconfig files, one per identity. They are JSON, which every YAML reader reads. */
import { writeFileSync } from 'node:fs'
import type { Certificate } from './certificates.ts'

export interface KubeconfigContent {
  readonly server: string
  readonly caFile: string
  readonly user: Certificate | { readonly token: string }
}

export const writeKubeconfig = (file: string, content: KubeconfigContent): void => {
  const user =
    'token' in content.user
      ? { token: content.user.token }
      : { 'client-certificate': content.user.certFile, 'client-key': content.user.keyFile }
  const document = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'hc',
        cluster: { server: content.server, 'certificate-authority': content.caFile },
      },
    ],
    users: [{ name: 'hc', user }],
    contexts: [{ name: 'hc', context: { cluster: 'hc', user: 'hc' } }],
    'current-context': 'hc',
  }
  writeFileSync(file, `${JSON.stringify(document, null, 2)}\n`, { mode: 0o600 })
}
