// Pools for ranges, from the command line as an operator writes it.
import { createIPAM } from '@hc-calico/ipam-core'
import { createMemoryDatastore } from '@hc-calico/ipam-core/memory'
import type { Write } from '@hc-calico/ipam-core/ports'
import { describe, expect, test } from 'vitest'
import { runRanges } from '../src/ranges/command.ts'

interface Item {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly spec: Record<string, unknown>
}

const items = (...args: ReadonlyArray<string>): ReadonlyArray<Item> => {
  const { exitCode, stdout, stderr } = runRanges(args)
  expect({ exitCode, stderr }).toEqual({
    exitCode: 0,
    stderr: expect.stringMatching(/^\d+ addresses\n$/),
  })
  return (JSON.parse(stdout) as { items: ReadonlyArray<Item> }).items
}

test('a range that is no CIDR: its pools, and what is beyond it reserved', () => {
  const [reservation, ...pools] = items('--name', 'svc1', '10.244.100.0-10.244.105.200')
  expect(pools.map(({ metadata, spec }) => [metadata.name, spec.cidr, spec.blockSize])).toEqual([
    ['svc1-1', '10.244.100.0/22', 26],
    ['svc1-2', '10.244.104.0/23', 26],
  ])
  expect(reservation).toMatchObject({
    apiVersion: 'projectcalico.org/v3',
    kind: 'IPReservation',
    metadata: { name: 'svc1' },
  })
})

test('what it prints gives out every address of the range, and no other', async () => {
  const args = [
    '--name',
    'r',
    '--block-size',
    '29',
    '--exclude',
    '10.9.0.20',
    '10.9.0.13-10.9.0.30',
  ]
  const list = items(...args)
  const datastore = createMemoryDatastore()
  const rest = {
    ...{ disabled: false, terminating: false, allocatable: true, nodeSelector: 'all()' },
    ...{ allowedUses: ['Workload'], ipipMode: 'Never', vxlanMode: 'Never' },
    ...{ natOutgoing: false, disableBGPExport: false },
  }
  const writes = list.map(({ kind, metadata: { name }, spec }) => ({
    ...{ op: 'create', key: { kind, name } },
    value: kind === 'IPPool' ? { name, ...rest, ...spec } : { name, ...spec },
  }))
  const node = { op: 'create', key: { kind: 'Node', name: 'n' }, value: { name: 'n', labels: {} } }
  const done = await datastore.commit([...writes, node] as unknown as ReadonlyArray<Write>)()
  expect(done._tag).toBe('Right')
  const ipv4Pools = list.flatMap(({ kind, spec }) => (kind === 'IPPool' ? [`${spec.cidr}`] : []))
  const request = { host: 'n', num4: 100, intendedUse: 'Workload' as const, ipv4Pools }
  const { v4 } = await createIPAM({ datastore }).autoAssign(request)
  const last = (ip: string) => Number(ip.replace(/\/.*/, '').split('.')[3])
  const wanted = Array.from({ length: 18 }, (_, n) => n + 13).filter((n) => n !== 20)
  expect(v4?.ips.map(last).toSorted((a, b) => a - b)).toEqual(wanted)
})

test('one pool has the name itself; version, mode and IPv6', () => {
  const list = items(
    ...['--name', 'v6', '--automatic', '--api-version', 'crd.projectcalico.org/v1'],
    'fd00:1::/120',
  )
  expect(list).toEqual([
    {
      apiVersion: 'crd.projectcalico.org/v1',
      kind: 'IPPool',
      metadata: { name: 'v6' },
      spec: { cidr: 'fd00:1::/120', blockSize: 122, assignmentMode: 'Automatic' },
    },
  ])
})

test('help', () => {
  expect(runRanges(['--help'])).toMatchObject({ exitCode: 0, stderr: '' })
  expect(runRanges(['--help']).stdout).toMatch(/^Usage:/)
})

describe('one sentence for', () => {
  test.each<[string, ReadonlyArray<string>, RegExp]>([
    ['no name', ['10.0.0.0/24'], /no name is given/],
    ['no range', ['--name', 'a'], /no range is given/],
    ['a name that is none', ['--name', 'A_b', '10.0.0.0/24'], /"A_b" is not the name of a pool/],
    ['a range that is none', ['--name', 'a', '10.0.0.9-10.0.0.1'], /its last address comes before/],
    ['two families', ['--name', 'a', '10.0.0.0-fd00::1'], /of different families/],
    ['a block size', ['--name', 'a', '--block-size', 'x', '10.0.0.0/24'], /--block-size x/],
    ['a version', ['--name', 'a', '--api-version', 'v9', '10.0.0.0/24'], /--api-version v9/],
    ['an option', ['--nmae', 'a'], /nmae/],
  ])('%s', (_, args, sentence) => {
    const { exitCode, stdout, stderr } = runRanges(args)
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
    expect(stderr).toMatch(sentence)
    expect(stderr.trimEnd()).not.toContain('\n')
  })
})
