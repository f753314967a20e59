import { describe, expect, test } from 'vitest'
import { defaultIPAMConfig, type IPAMConfig } from '../../src/model/ipam-config.ts'
import { getIPAMConfig, setIPAMConfig } from '../../src/operations/ipam-config.ts'
import { ok, put, refused, valuesOf, type World, worldOf } from './world.ts'

const strict = { ...defaultIPAMConfig, strictAffinity: true }
const writes = (world: World) => world.calls.filter((call) => call.tag === 'Commit').length

test('absent means the defaults, and reading writes nothing', async () => {
  const world = await worldOf()
  expect(await ok(getIPAMConfig(world.deps))).toEqual({
    strictAffinity: false,
    autoAllocateBlocks: true,
    maxBlocksPerHost: 0,
    ipCooldownSeconds: 0,
  })
  expect(await valuesOf(world, 'IPAMConfig')).toEqual([])
})

test('what is set is got, created or updated', async () => {
  const world = await worldOf()
  const more = { ...strict, maxBlocksPerHost: 4, kubeVirtVMAddressPersistence: 'Disabled' as const }
  await ok(setIPAMConfig(world.deps, more))
  expect(await ok(getIPAMConfig(world.deps))).toEqual(more)
  await ok(setIPAMConfig(world.deps, strict))
  expect(await ok(getIPAMConfig(world.deps))).toEqual(strict)
})

test('setting what holds already is no write, stored or not, even where it breaks a rule', async () => {
  const world = await worldOf()
  await ok(setIPAMConfig(world.deps, defaultIPAMConfig))
  const odd = { ...defaultIPAMConfig, autoAllocateBlocks: false }
  await put(world, { kind: 'IPAMConfig' }, odd)
  await ok(setIPAMConfig(world.deps, odd))
  expect(writes(world)).toBe(0)
})

test('fields of a newer version survive', async () => {
  const world = await worldOf()
  await put(world, { kind: 'IPAMConfig' }, { ...strict, unknownFields: { newer: 1 } })
  await ok(setIPAMConfig(world.deps, { ...strict, maxBlocksPerHost: 2 }))
  expect(await valuesOf(world, 'IPAMConfig')).toEqual([
    { ...strict, maxBlocksPerHost: 2, unknownFields: { newer: 1 } },
  ])
})

describe('refused, and nothing is written', () => {
  test.each<[Partial<IPAMConfig>, string]>([
    [
      { autoAllocateBlocks: false },
      "Cannot disable 'StrictAffinity' and 'AutoAllocateBlocks' at the same time",
    ],
    [{ maxBlocksPerHost: 1 }, 'MaxBlocksPerHost requires StrictAffinity to be enabled'],
    [
      { strictAffinity: true, maxBlocksPerHost: -1 },
      'maxBlocksPerHost must be a whole number from 0, but is -1',
    ],
    [
      { ipCooldownSeconds: 1201 },
      'ipCooldownSeconds must be a whole number from 0 to 1200, but is 1201',
    ],
    [
      { ipCooldownSeconds: 0.5 },
      'ipCooldownSeconds must be a whole number from 0 to 1200, but is 0.5',
    ],
    [
      { ipCooldownSeconds: Number.NaN },
      'ipCooldownSeconds must be a whole number from 0 to 1200, but is NaN',
    ],
  ])('%j', async (change, message) => {
    const world = await worldOf()
    const refusal = await refused(setIPAMConfig(world.deps, { ...defaultIPAMConfig, ...change }))
    expect(refusal).toEqual({ tag: 'ConfigRejected', message })
    expect(writes(world)).toBe(0)
  })

  test.each<Partial<IPAMConfig>>([
    { strictAffinity: true, autoAllocateBlocks: false },
    { strictAffinity: true, maxBlocksPerHost: 1 },
    { ipCooldownSeconds: 1200 },
  ])('%j is fine', async (change) => {
    const world = await worldOf()
    await ok(setIPAMConfig(world.deps, { ...defaultIPAMConfig, ...change }))
    expect(writes(world)).toBe(1)
  })
})

test('a configuration that somebody creates meanwhile is updated', async () => {
  const world = await worldOf()
  const { datastore } = world.deps
  let isFirst = true
  const commit = ((...args) =>
    async () => {
      if (isFirst) await put(world, { kind: 'IPAMConfig' }, { ...strict, ipCooldownSeconds: 9 })
      isFirst = false
      return datastore.commit(...args)()
    }) as typeof datastore.commit
  await ok(setIPAMConfig({ ...world.deps, datastore: { ...datastore, commit } }, strict))
  expect(await valuesOf(world, 'IPAMConfig')).toEqual([strict])
})
