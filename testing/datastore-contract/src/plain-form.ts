/**
 * A view of a store whose documents are resources (`{ metadata, spec, status }`): there, unknown
 * fields are kept by the part they stand in, and metadata is always among them. The suites write and
 * expect plain unknown fields; this view puts them into the spec and takes them out again.
 */
import type {
  CommitFailure,
  Datastore,
  KeyValue,
  WatchEvent,
  Write,
} from '@hc-calico/ipam-core/ports'

interface WithUnknown {
  readonly unknownFields?: { readonly spec?: object } | undefined
}

const plain = <T extends KeyValue | undefined>(keyValue: T): T => {
  if (keyValue === undefined) return keyValue
  const { unknownFields, ...value } = keyValue.value as WithUnknown
  const inSpec = unknownFields?.spec
  const fields = inSpec === undefined ? {} : { unknownFields: inSpec }
  return { ...keyValue, value: { ...value, ...fields } }
}

const resource = (write: Write): Write => {
  if (write.op === 'delete') return write
  const { unknownFields, ...value } = write.value as WithUnknown
  const fields = unknownFields === undefined ? {} : { unknownFields: { spec: unknownFields } }
  return { ...write, value: { ...value, ...fields } } as unknown as Write
}

const plainFailure = (failure: CommitFailure): CommitFailure => ({
  ...failure,
  current: failure.current.map(({ key, found }) => ({ key, found: plain(found) })),
})

export const plainForm = (store: Datastore): Datastore => ({
  ...store,
  read: (queries, options) => async () => {
    const answers = await store.read(queries, options)()
    if (answers._tag === 'Left') return answers
    const all = answers.right as ReadonlyArray<KeyValue | undefined | ReadonlyArray<KeyValue>>
    const right = all.map((one) =>
      Array.isArray(one) ? one.map(plain) : plain(one as KeyValue | undefined),
    )
    return { _tag: 'Right', right: right as never }
  },
  commit: (writes, options) => async () => {
    const result = await store.commit(writes.map(resource), options)()
    return result._tag === 'Left' ? { _tag: 'Left', left: plainFailure(result.left) } : result
  },
  async *watch(kind, cancellation) {
    for await (const event of store.watch(kind, cancellation)) {
      yield event.tag === 'Put'
        ? ({ ...event, keyValue: plain(event.keyValue as KeyValue) } as WatchEvent<typeof kind>)
        : event
    }
  },
})
