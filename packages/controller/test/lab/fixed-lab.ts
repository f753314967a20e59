/** A lab with nodes, a pool, and the words that tests about fixed addresses use. */
import { fixedStateOf } from '@hc-calico/ipam-core'
import { fixedHandleID } from '../../src/fixed/fixed-handle.ts'
import {
  type ControllerLab,
  type DatastoreType,
  poolNamed,
  startControllerLab,
} from './controller-lab.ts'
import { FakeNodes } from './fake-nodes.ts'

export const patience = { timeout: 40_000, interval: 100 }

type Texts = Readonly<Record<string, string>>
export interface RecordObject {
  readonly metadata: { readonly labels: Texts; readonly annotations: Texts; readonly uid: string }
  readonly data?: Texts
}

export interface SetOptions {
  readonly annotations?: Texts
  readonly isFixed?: boolean
  readonly spec?: object
  readonly namespace?: string
}

const setObject = (name: string, replicas: number, options: SetOptions) => {
  const { annotations = {}, isFixed = true, spec = {}, namespace = 'default' } = options
  const labels = { app: name.slice(0, 60) }
  const fixed = isFixed ? { annotations: { 'fixed.ipam.harmonycloud.cn': 'true' } } : {}
  const containers = [{ name: 'c', image: 'none' }]
  return {
    ...{ apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name, namespace, annotations } },
    spec: {
      ...{
        replicas,
        serviceName: 'none',
        podManagementPolicy: 'Parallel',
        selector: { matchLabels: labels },
      },
      template: {
        metadata: { labels, ...fixed },
        spec: { containers, terminationGracePeriodSeconds: 1 },
      },
      ...spec,
    },
  }
}

export interface FixedLab extends ControllerLab {
  readonly nodes: FakeNodes
  set(name: string, replicas: number, options?: SetOptions): Promise<void>
  changeSet(name: string, change: object): Promise<void>
  deleteSet(name: string): Promise<void>
  record(set: string): Promise<RecordObject | undefined>
  editRecord(set: string, change: object): Promise<void>
  /** Addresses of a fixed pod, with `*` while it is held; empty: it has none. */
  fixed(pod: string): Promise<ReadonlyArray<string>>
  podUID(pod: string): Promise<string>
  /** Reasons and messages of Events about an object. */
  events(kind: string, name: string): Promise<ReadonlyArray<string>>
}

const setsPath = '/apis/apps/v1/namespaces/default/statefulsets'
const mapsPath = '/api/v1/namespaces/default/configmaps'

interface EventList {
  readonly items: ReadonlyArray<{
    readonly involvedObject: { readonly kind: string; readonly name: string }
    readonly reason: string
    readonly message: string
  }>
}

const fixedOf = async (
  { datastore }: ControllerLab,
  pod: string,
): Promise<ReadonlyArray<string>> => {
  const handleID = fixedHandleID('default', pod)
  const read = await datastore.read([{ list: 'Block' }])()
  if (read._tag === 'Left') throw new Error(read.left.message)
  return read.right[0].flatMap(({ value }) =>
    value.allocations.flatMap((index, ordinal) => {
      const attribute = index === null ? undefined : value.attributes[index]
      if (attribute?.handleID !== handleID) return []
      const isHeld = fixedStateOf(attribute.secondary)?.holder !== undefined
      const first = value.cidr.split('/')[0]?.split('.') as string[]
      const ip = [...first.slice(0, 3), Number(first[3]) + ordinal].join('.')
      return [`${ip}${isHeld ? '*' : ''}`]
    }),
  )
}

export const startFixedLab = async (type: DatastoreType): Promise<FixedLab> => {
  const lab = await startControllerLab(type, { controllerManager: true })
  await lab.write(poolNamed('pods', '10.72.0.0/24', { blockSize: 28 }))
  const nodes = await FakeNodes.start(lab)
  return {
    ...lab,
    nodes,
    set: async (name, replicas, options = {}) => {
      await lab.api('POST', setsPath, setObject(name, replicas, options))
    },
    changeSet: async (name, change) => {
      await lab.api('PATCH', `${setsPath}/${name}`, change)
    },
    deleteSet: async (name) => {
      await lab.api('DELETE', `${setsPath}/${name}`)
    },
    record: async (set) => {
      const found = await lab.api('GET', `${mapsPath}/${set}-fixed-ip-conf`, undefined, [404])
      return (found as { kind: string }).kind === 'Status' ? undefined : (found as RecordObject)
    },
    editRecord: async (set, change) => {
      await lab.api('PATCH', `${mapsPath}/${set}-fixed-ip-conf`, change)
    },
    fixed: (pod) => fixedOf(lab, pod),
    podUID: async (pod) => {
      const found = await lab.api('GET', `/api/v1/namespaces/default/pods/${pod}`)
      return (found as { metadata: { uid: string } }).metadata.uid
    },
    events: async (kind, name) => {
      const { items } = (await lab.api('GET', '/api/v1/namespaces/default/events')) as EventList
      return items
        .filter(({ involvedObject: one }) => one.kind === kind && one.name === name)
        .map(({ reason, message }) => `${reason}: ${message}`)
    },
    stop: async () => {
      await nodes.stop()
      await lab.stop()
    },
  }
}
