/**
 * Which API group is used, found out by the first answers: also when several questions are asked at
 * once, and their answers come in any order.
 */
import { createKubernetesDatastore } from '@hc-calico/datastore-kdd'
import type { KubeClient, KubeResponse } from '@hc-calico/kube-client/lean'
import { expect, test } from 'vitest'

const v1 = '/apis/crd.projectcalico.org/v1'
const v3 = '/apis/projectcalico.org/v3'
const unserved: KubeResponse = { status: 404, text: '404 page not found\n' }
const emptyList: KubeResponse = { status: 200, text: '{"metadata":{},"items":[]}' }

/** Serves lists of one group; `delayMs` says how long an answer takes. */
const serverOf = (served: string, delayMs: (path: string) => number) => {
  const asked: string[] = []
  const client: KubeClient = {
    request: async ({ path }) => {
      asked.push(path.split('?')[0] as string)
      await new Promise((resolve) => setTimeout(resolve, delayMs(path)))
      return path.startsWith(served) ? emptyList : unserved
    },
    watch: () => {
      throw new Error('not watched here')
    },
    close: async () => undefined,
  }
  return { asked, store: createKubernetesDatastore({ client }) }
}

test('only the newer group: an answer about the older one that comes last does no harm', async () => {
  const isSlow = (path: string) => path.startsWith(`${v1}/ipamhandles`)
  const { asked, store } = serverOf(v3, (path) => (isSlow(path) ? 40 : 1))
  const both = await store.read([{ list: 'IPPool' }, { list: 'Handle' }])()
  expect(both).toEqual({ _tag: 'Right', right: [[], []] })
  asked.length = 0
  await store.read([{ list: 'Handle' }])()
  expect(asked).toEqual([`${v3}/ipamhandles`])
})

test('the older group, where it is served: nothing else is asked', async () => {
  const { asked, store } = serverOf(v1, () => 1)
  await store.read([{ list: 'IPPool' }, { list: 'Handle' }])()
  expect(asked).toEqual([`${v1}/ippools`, `${v1}/ipamhandles`])
})

test('neither: the definition that is missing is named', async () => {
  const { store } = serverOf('/none', () => 1)
  expect(await store.read([{ list: 'IPPool' }])()).toMatchObject({
    _tag: 'Left',
    left: { tag: 'Unsupported', message: expect.stringContaining('ippools.crd.projectcalico.org') },
  })
})
