// Which pods are fixed, and under which handle: the first HC-Calico's rule.
import { describe, expect, test } from 'vitest'
import { fixedHandleID, fixedIdentityOf } from '../src/fixed-identity.ts'
import type { Identity } from '../src/identity.ts'
import { unknownWorkload } from '../src/workload-source.ts'

const identity = (pod: string | undefined): Identity => ({
  orchestrator: 'k8s',
  namespace: 'shop',
  ...(pod === undefined ? {} : { pod }),
  node: 'n',
  containerID: 'c',
  endpoint: 'eth0',
  handleID: 'net.c',
  legacyHandleID: 'shop.p',
})

const owner = (kind: string, apiVersion = 'apps/v1') => ({
  apiVersion,
  kind,
  name: 'redis',
  uid: 'u',
})

interface Case {
  readonly pod?: string
  readonly annotation?: string
  /** Given: the API was asked. */
  readonly owners?: ReadonlyArray<ReturnType<typeof owner>>
}

const fixed = ({ pod = 'redis-0', annotation, owners }: Case) => {
  const annotations = annotation === undefined ? {} : { 'fixed.ipam.harmonycloud.cn': annotation }
  const known = owners === undefined ? {} : { ownersKnown: true as const, ownerReferences: owners }
  return fixedIdentityOf(identity(pod), {
    ...unknownWorkload,
    pod: { ...unknownWorkload.pod, annotations, ...known },
  })
}

const redis = {
  handleID: 'hc-fixed.shop.redis-0',
  text: 'shop/StatefulSet/redis/redis-0',
  set: 'redis',
}

test.each<[string, Case, typeof redis | undefined]>([
  ['annotated, of a StatefulSet', { annotation: 'true', owners: [owner('StatefulSet')] }, redis],
  [
    'of Kruise’s StatefulSet',
    { annotation: 'true', owners: [owner('StatefulSet', 'apps.kruise.io/v1beta1')] },
    redis,
  ],
  [
    'of a StatefulSet among other owners',
    { annotation: 'true', owners: [owner('Other'), owner('StatefulSet')] },
    redis,
  ],
  ['of a ReplicaSet', { annotation: 'true', owners: [owner('ReplicaSet')] }, undefined],
  ['of nobody', { annotation: 'true', owners: [] }, undefined],
  ['owners unknown, named like a set’s pod', { annotation: 'true' }, redis],
  ['owners unknown, named otherwise', { annotation: 'true', pod: 'web-7d9f' }, undefined],
  [
    'owners unknown, an ordinal with a leading zero',
    { annotation: 'true', pod: 'web-00' },
    undefined,
  ],
  ['not annotated', { owners: [owner('StatefulSet')] }, undefined],
  [
    'annotated with another text',
    { annotation: 'True', owners: [owner('StatefulSet')] },
    undefined,
  ],
])('%s', (_, given, expected) => expect(fixed(given)).toEqual(expected))

test('no pod, no identity', () => {
  expect(fixedIdentityOf(identity(undefined), unknownWorkload)).toBeUndefined()
})

describe('handles', () => {
  test('are names of objects, however long the pod’s name is', () => {
    const long = fixedHandleID('n'.repeat(63), 'p'.repeat(250))
    expect(long).toMatch(/^hc-fixed\.[0-9a-f]{40}$/)
    expect(fixedHandleID('n'.repeat(63), `${'p'.repeat(249)}q`)).not.toBe(long)
    expect(fixedHandleID('shop', 'p'.repeat(200))).toBe(`hc-fixed.shop.${'p'.repeat(200)}`)
  })
})
