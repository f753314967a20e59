/**
 * Deliberate bugs, one at a time, in what is decided: whom an address belongs to, who may still park
 * or release it, what garbage collection believes.
 */
import { collectGarbage, retentionVerdict } from '@hc-calico/controller'
import { fixedKeys, type IPAM } from '@hc-calico/ipam-core'
import type { Datastore } from '@hc-calico/ipam-core/ports'
import type { Mutant } from './mutant.ts'

type Situation = Parameters<typeof collectGarbage>[0]
type Plan = ReturnType<typeof collectGarbage>

const both = ['etcd', 'kubernetes'] as const

const deciding = (name: string, ipam: (one: IPAM, datastore: Datastore) => IPAM): Mutant => ({
  name,
  modes: both,
  parts: { ipam },
})

const collecting = (name: string, change: (plan: Plan, situation: Situation) => Plan): Mutant => ({
  name,
  modes: both,
  parts: { collectGarbage: (situation) => change(collectGarbage(situation), situation) },
})

const retaining = (name: string, verdict: typeof retentionVerdict): Mutant => ({
  name,
  modes: both,
  parts: { retentionVerdict: verdict },
})

/** Everything that is suspected now has been for ever. */
const atFirstSight = (situation: Situation): Plan => {
  const { suspected } = collectGarbage(situation)
  const since = situation.nowMs - situation.graceMs - 1
  const old = new Map([...suspected.keys()].map((name) => [name, since]))
  return collectGarbage({ ...situation, suspected: old })
}

const withoutStarting = (situation: Situation): Situation => ({
  ...situation,
  pods: {
    get: (name) => {
      const pod = situation.pods.get(name)
      return pod === undefined || pod.ips.length === 0 ? undefined : pod
    },
  },
})

const allocationsWhere = (
  { allocations }: Situation,
  isWanted: (one: Situation['allocations'][number]) => boolean,
): Plan['release'] =>
  allocations.flatMap((one) =>
    one.handleID !== undefined && isWanted(one)
      ? [{ handleID: one.handleID, allocations: [one] }]
      : [],
  )

export const wrongDecisions: ReadonlyArray<Mutant> = [
  deciding('parking releases the address', (ipam) => ({
    ...ipam,
    parkFixed: async ({ handleID }) => {
      await ipam.releaseByHandle(handleID)
      return []
    },
  })),
  deciding('a late DEL parks whoever holds the address now', (ipam) => ({
    ...ipam,
    parkFixed: async ({ handleID }) => {
      const [ip = ''] = await ipam.ipsByHandle(handleID)
      const { attrs } = await ipam.getAssignmentAttributes(ip)
      return ipam.parkFixed({ handleID, holderID: attrs[fixedKeys.holder] ?? '' })
    },
  })),
  deciding('a restart does not name itself as the holder', (ipam) => ({
    ...ipam,
    takeOverFixed: async (request) => {
      const ips = await ipam.ipsByHandle(request.handleID).catch(() => [])
      return ips.length === 0 ? undefined : { ips: ips.map((ip) => `${ip}/29`), epoch: 1 }
    },
  })),
  deciding('a restart gives back what the identity has, and asks for new', (ipam) => {
    let isFirst = true
    return {
      ...ipam,
      takeOverFixed: async (request) => {
        if (!isFirst) return ipam.takeOverFixed(request)
        isFirst = false
        await ipam.releaseByHandle(request.handleID).catch(() => {})
        return undefined
      },
    }
  }),
  deciding('a fixed address is released like any other', (ipam) => ({
    ...ipam,
    releaseByHandle: async (handleID, hints) => {
      const pod = /^k8s-pod-network\.(set-\d)/.exec(handleID)?.[1]
      return ipam.releaseByHandle(pod === undefined ? handleID : `hc-fixed.default.${pod}`, hints)
    },
  })),
  {
    name: 'a pod that is starting counts as gone, at first sight, without asking again',
    modes: ['kubernetes'],
    parts: {
      collectGarbage: (situation) => atFirstSight(withoutStarting(situation)),
      revalidates: false,
    },
  },
  {
    name: 'what is collected is released by address alone',
    modes: both,
    parts: {
      collectGarbage: atFirstSight,
      revalidates: false,
      ipam: (ipam) => ({
        ...ipam,
        releaseIPs: (all) => ipam.releaseIPs(all.map(({ address }) => ({ address }))),
      }),
    },
  },
  {
    name: 'handles without an address are deleted at first sight, and their blocks stay as they are',
    modes: both,
    parts: {
      collectGarbage: (situation) => ({
        ...collectGarbage(situation),
        deleteHandles: atFirstSight(situation).deleteHandles,
      }),
      ipam: (ipam, datastore) => ({
        ...ipam,
        recountHandle: async ({ handleID: id, revision }) => {
          const key = { kind: 'Handle', id } as const
          const done = await datastore.commit([
            { op: 'delete', key, revision: revision as never },
          ])()
          return done._tag === 'Right'
        },
      }),
    },
  },
  collecting('parked addresses are released', (plan, situation) => ({
    ...plan,
    release: [
      ...plan.release,
      ...allocationsWhere(situation, ({ fixed }) => fixed !== undefined && !fixed.holder),
    ],
  })),
  collecting('an identity is collected by the pod that it does not name', (plan, situation) => ({
    ...plan,
    release: [...plan.release, ...allocationsWhere(situation, ({ fixed }) => fixed !== undefined)],
  })),
  collecting('holders that are there are parked', (plan, situation) => ({
    ...plan,
    park: situation.allocations.flatMap(({ handleID = '', fixed }) =>
      fixed?.holder === undefined
        ? []
        : [{ handleID, holderID: fixed.holder.id, identity: fixed.identity, allocations: [] }],
    ),
  })),
  deciding('an address is answered twice', (ipam) => ({
    ...ipam,
    autoAssign: async (request) => {
      const { v4, ...rest } = await ipam.autoAssign(request)
      return v4 === undefined ? rest : { ...rest, v4: { ...v4, ips: [...v4.ips, ...v4.ips] } }
    },
  })),
  deciding('what is frozen stays the container’s', (ipam) => ({
    ...ipam,
    freezeFixed: async ({ fromHandleID }) => {
      const ips = await ipam.ipsByHandle(fromHandleID).catch(() => [])
      return ips.length === 0 ? undefined : { ips: ips.map((ip) => `${ip}/29`), epoch: 1 }
    },
  })),
  deciding('what is frozen has no holder', (ipam) => ({
    ...ipam,
    freezeFixed: async (request) => {
      const hold = await ipam.freezeFixed(request)
      await ipam.parkFixed({ handleID: request.handleID, holderID: request.fromHandleID })
      return hold
    },
  })),
  deciding('an exchange takes another address than the one asked for', (ipam) => ({
    ...ipam,
    repinFixed: (request) =>
      ipam.repinFixed({ ...request, ip: request.ip.replace(/\d+$/, (last) => `${+last ^ 1}`) }),
  })),
  deciding('an exchange gives back everything', (ipam) => ({
    ...ipam,
    repinFixed: async ({ handleID, epoch, holderID }) =>
      ipam.releaseFixed({ handleID, epoch, ...(holderID === undefined ? {} : { holderID }) }),
  })),
  retaining('retention gives nothing back', () => ({ tag: 'Keep' })),
  retaining('retention does not ask for the policy', (situation) =>
    retentionVerdict({
      ...situation,
      set: situation.set && { ...situation.set, policy: { tag: 'ReleaseOnScaleDown' } },
      recordedPolicy: { tag: 'WhileSetExists' },
    }),
  ),
  retaining('retention gives back whatever is parked', () => ({ tag: 'Release' })),
  collecting('nothing is ever released', (plan) => ({ ...plan, release: [] })),
  collecting('handles that own nothing stay', (plan) => ({ ...plan, deleteHandles: [] })),
  deciding('a DEL that asks for ever', (ipam, datastore) => ({
    ...ipam,
    releaseByHandle: async (id, hints) => {
      while ((await datastore.read([{ get: { kind: 'Handle', id } }])())._tag === 'Right');
      return ipam.releaseByHandle(id, hints)
    },
  })),
]
