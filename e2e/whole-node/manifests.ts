/**
 * What a person would apply: the examples of the repository as they stand, but for the image, which
 * comes from no registry here, and small sets and deployments of the tests' own.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import type { LabPool } from '../../packages/cni-plugin/test/lab/lab-datastore.ts'

const examples = join(import.meta.dirname, '../../examples')

/** The founding document's own object, word by word. */
export const serviceIPPoolFile = join(examples, 'service-ip-pool.yaml')

const documentsIn = <T>(file: string): ReadonlyArray<T> =>
  parseAllDocuments(readFileSync(file, 'utf8')).map((document) => document.toJS() as T)

const documentsOf = <T>(file: string): ReadonlyArray<T> => documentsIn(join(examples, file))

const controllerManifest = join(
  import.meta.dirname,
  '../../packages/controller/manifests/controller.yaml',
)

/** The controller's account and its roles; the process itself runs outside of the cluster here. */
export const controllerRights = (): ReadonlyArray<object> =>
  documentsIn<{ kind: string }>(controllerManifest).filter(({ kind }) => /Role|Account/.test(kind))

/** Through the datastore's port, because pools need not be on the Kubernetes API. */
export const examplePools = (): ReadonlyArray<LabPool> =>
  documentsOf<{ metadata: { name: string }; spec: { cidr: string } }>('ip-pools.yaml').map(
    ({ metadata, spec }) => ({ name: metadata.name, ...spec }),
  )

/** Ends at once when asked to, as the tests have no time for graceful ends. */
const runnable = {
  terminationGracePeriodSeconds: 0,
  automountServiceAccountToken: false,
  containers: [
    {
      name: 'c',
      image: 'hc.local/busybox:1',
      imagePullPolicy: 'Never',
      command: ['/bin/sleep', '100000'],
    },
  ],
}

interface Workload {
  readonly kind: string
  readonly spec: { readonly template?: { readonly spec: object } }
}

/** The example's StatefulSet `redis` and its Service. */
export const exampleSet = (): ReadonlyArray<object> =>
  documentsOf<Workload>('stateful-set.yaml').map((object) =>
    object.spec.template === undefined
      ? object
      : {
          ...object,
          spec: { ...object.spec, template: { ...object.spec.template, spec: runnable } },
        },
  )

export interface WorkloadOptions {
  readonly kind: 'StatefulSet' | 'Deployment'
  readonly name: string
  readonly replicas: number
  readonly annotations: Readonly<Record<string, string>>
  /** Merged into the workload's spec. */
  readonly spec?: object
}

export const workload = (options: WorkloadOptions): object => {
  const { kind, name, replicas, annotations, spec } = options
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name, namespace: 'default' },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name }, annotations }, spec: runnable },
      ...(kind === 'StatefulSet' ? { serviceName: name } : {}),
      ...spec,
    },
  }
}
