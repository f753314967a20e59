/** The Kubernetes Pod, as far as the plugin and the controller read it. */
import { type Either, isLeft, right } from 'fp-ts/lib/Either.js'
import { type Open, openObject } from '../codecs/open-object.ts'
import { flag, list, oneOf, text, wholeNumber } from '../codecs/primitives.ts'
import { present } from '../documents/resource.ts'
import type { WorkloadEndpointPort } from '../model.ts'
import { decodeWith } from '../report.ts'
import { metadataFields, type ObjectFacts, type OwnerReference, objectFacts } from './metadata.ts'

export interface KubernetesPod extends ObjectFacts {
  readonly namespace: string
  readonly generateName?: string
  readonly ownerReferences: ReadonlyArray<OwnerReference>
  /** Ports that have a name or a host port, of all containers. */
  readonly ports: ReadonlyArray<WorkloadEndpointPort>
  readonly serviceAccountName?: string
  /** Absent until the pod is scheduled. */
  readonly nodeName?: string
  readonly hostNetwork: boolean
  /** RFC 3339; present once deletion has begun. */
  readonly deletionTimestamp?: string
  /** Phase `Succeeded` or `Failed`. */
  readonly completed: boolean
  /** `status.podIPs`, or the older `status.podIP`. */
  readonly statusIPs: ReadonlyArray<string>
}

const portNumber = wholeNumber(0, 65535)
const containerPort = {
  required: { containerPort: portNumber },
  optional: { name: text, protocol: text, hostPort: portNumber, hostIP: text },
}
const containers = list(
  openObject({ required: {}, optional: { ports: list(openObject(containerPort)) } }),
)

const fields = openObject({
  required: { metadata: metadataFields },
  optional: {
    kind: oneOf('Pod'),
    spec: openObject({
      required: {},
      optional: {
        nodeName: text,
        hostNetwork: flag,
        serviceAccountName: text,
        containers,
        initContainers: containers,
      },
    }),
    status: openObject({
      required: {},
      optional: {
        phase: text,
        podIP: text,
        podIPs: list(openObject({ required: {}, optional: { ip: text } })),
      },
    }),
  },
})

type ContainerPort = Open<typeof containerPort.required, typeof containerPort.optional>

const protocols = ['TCP', 'UDP', 'SCTP']

/** Kubernetes' ports as Calico's endpoints list them; one without name and host port is left out. */
const endpointPort = (port: ContainerPort): ReadonlyArray<WorkloadEndpointPort> => {
  const { containerPort: number, name = '', protocol = 'TCP', hostPort = 0, hostIP = '' } = port
  const listed = number !== 0 && (name !== '' || hostPort !== 0) && protocols.includes(protocol)
  if (!listed) return []
  return [
    {
      name,
      protocol,
      port: number,
      ...(hostPort === 0 ? {} : { hostPort }),
      ...(hostIP === '' ? {} : { hostIP }),
    },
  ]
}

export const decodePod = (object: unknown): Either<string, KubernetesPod> => {
  const decoded = decodeWith(fields, object)
  if (isLeft(decoded)) return decoded
  const { metadata, spec = {}, status = {} } = decoded.right
  const all = [...(spec.containers ?? []), ...(spec.initContainers ?? [])]
  const listed = (status.podIPs ?? []).map(({ ip = '' }) => ip).filter((ip) => ip !== '')
  const single = status.podIP === undefined || status.podIP === '' ? [] : [status.podIP]
  return right({
    ...objectFacts(metadata),
    namespace: metadata.namespace ?? 'default',
    ...present('generateName', metadata.generateName || undefined),
    ownerReferences: metadata.ownerReferences ?? [],
    ports: all.flatMap(({ ports = [] }) => ports.flatMap(endpointPort)),
    ...present('serviceAccountName', spec.serviceAccountName || undefined),
    ...present('nodeName', spec.nodeName || undefined),
    hostNetwork: spec.hostNetwork ?? false,
    ...present('deletionTimestamp', metadata.deletionTimestamp),
    completed: status.phase === 'Succeeded' || status.phase === 'Failed',
    statusIPs: listed.length > 0 ? listed : single,
  })
}
