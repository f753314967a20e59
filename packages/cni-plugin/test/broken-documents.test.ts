// A datastore that has damaged documents, refuses us, or is not there: one clear sentence that names
// the object, the right code, nothing changed.
import { type DatastoreErrorTag, datastoreError, type Kind } from '@hc-calico/ipam-core/ports'
import { describe, expect, test } from 'vitest'
import { World } from './world.ts'

const problem: Record<string, string> = {
  Malformed: 'sequenceNumber must be a number, but is "x"',
  Unauthorized: 'permission denied',
  Unavailable: 'connection refused',
}

const withFault = async (kind: Kind, tag: DatastoreErrorTag) => {
  const world = await World.create()
  await world.run({ command: 'ADD', id: 'before', ns: 'd', args: world.pod('before') })
  world.failReads = (query) => {
    const asked = 'get' in query ? query.get.kind : query.list
    if (asked !== kind) return undefined
    return datastoreError(tag, `cannot read ${kind} "some-object": ${problem[tag]}`)
  }
  return world
}

// No Handle here: that of a new container is created, never read.
const kinds: ReadonlyArray<Kind> = [
  'Block',
  'BlockAffinity',
  'IPPool',
  'IPReservation',
  'IPAMConfig',
  'Node',
  'WorkloadEndpoint',
  'Profile',
  'ClusterInformation',
]

describe('ADD', () => {
  test.each(kinds.map((kind) => [kind]))('a damaged %s', async (kind) => {
    const world = await withFault(kind, 'Malformed')
    const before = await world.picture()
    const { document } = await world.run({ command: 'ADD', id: 'c9', args: 'IgnoreUnknown=1' })
    expect(document).toMatchObject({
      code: 104,
      msg: expect.stringContaining(`cannot read ${kind} "some-object"`),
    })
    expect(await world.picture()).toBe(before)
  })
})

describe('codes', () => {
  test.each<[DatastoreErrorTag, string, number]>([
    ['Malformed', 'DEL', 104],
    ['Unauthorized', 'DEL', 104],
    ['Unavailable', 'DEL', 11],
    ['Malformed', 'STATUS', 50],
    ['Unauthorized', 'STATUS', 50],
    ['Unavailable', 'STATUS', 50],
    ['Unauthorized', 'ADD', 104],
    ['Unavailable', 'ADD', 11],
  ])('%s at %s is %i', async (tag, command, code) => {
    const world = await withFault('ClusterInformation', tag)
    const before = await world.picture()
    const { document } = await world.run({ command })
    expect(document).toMatchObject({ code, msg: expect.stringContaining(problem[tag] ?? '') })
    expect(await world.picture()).toBe(before)
  })
})
