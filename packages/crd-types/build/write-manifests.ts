/**
 * Writes the CustomResourceDefinitions as files for `kubectl apply -f`, one per API group. They are
 * generated from src/manifests and checked in, so that a person can read and apply them without
 * building anything; a test holds that they are current.
 *
 *   node --conditions=hc-calico-source packages/crd-types/build/write-manifests.ts
 */
import { writeFileSync } from 'node:fs'
import { stringify } from 'yaml'
import { manifests } from '../src/manifests/index.ts'

export const manifestFiles: Readonly<Record<string, keyof typeof manifests>> = {
  'crd.projectcalico.org-v1.yaml': 'crd.projectcalico.org/v1',
  'projectcalico.org-v3.yaml': 'projectcalico.org/v3',
  'harmonycloud.cn-v1alpha1.yaml': 'harmonycloud.cn/v1alpha1',
}

const header = '# Generated from src/manifests by build/write-manifests.ts.\n'

export const manifestYAML = (group: keyof typeof manifests): string =>
  header +
  manifests[group].map((definition) => `---\n${stringify(definition, { lineWidth: 0 })}`).join('')

if (import.meta.main) {
  for (const [file, group] of Object.entries(manifestFiles)) {
    writeFileSync(new URL(`../manifests/${file}`, import.meta.url), manifestYAML(group))
  }
}
