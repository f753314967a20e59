/**
 * The model of FixedIP with its record and its controller: random histories of a set, of people who
 * edit the record, and of a controller that hears of things late, is killed between two writes and
 * starts anew. A failure prints a seed and a short history; FIXED_MODEL_SEED replays it.
 */
import fc from 'fast-check'
import { describe, test } from 'vitest'
import { type NodeName, nodeNames } from '../../packages/cni-plugin/test/model/fixed-cluster.ts'
import { cacheNames } from './modelled-controller.ts'
import { type Family, ordinals, podName, SetModel } from './set-model.ts'

const runs = 30
const stepsMax = 80
const freshSeed = Number(process.env['FIXED_MODEL_SEED'] ?? Date.now() % 2 ** 31)

const ordinal = fc.constantFrom(...ordinals)
const node = fc.constantFrom(...nodeNames)
const family = fc.constantFrom(4 as const, 6 as const)
const writes = fc.nat({ max: 5 })

/** Free ones, taken ones, one that no pool has, an empty text, nonsense, no key. */
const text = fc.oneof(
  { weight: 6, arbitrary: fc.nat({ max: 31 }).map((n) => `10.244.0.${n}`) },
  {
    weight: 4,
    arbitrary: fc.nat({ max: 15 }).map((n) => (n === 0 ? 'fd80::' : `fd80::${n.toString(16)}`)),
  },
  { weight: 2, arbitrary: fc.constantFrom('192.0.2.1', '', 'nonsense', null) },
)

type Act = (model: SetModel) => Promise<void> | void

interface Step {
  readonly act: Act
  toString(): string
}

const step = (name: string, details: object, act: Act): Step => ({
  act,
  toString: () => `${name} ${JSON.stringify(details)}`,
})

/** What happens while nothing else does: everything is heard of, and the loop runs twice. */
const quiet = async ({ controller }: SetModel): Promise<void> => {
  for (const name of cacheNames) await controller.hear(name)
  await controller.reconcile()
  controller.pass(2_000)
  await controller.reconcile()
}

/** The loop has seen the set gone for long enough to let go with its next run; it may be back. */
const almostReleased = async (model: SetModel, isBack: boolean): Promise<void> => {
  await model.deleteSet()
  for (const name of cacheNames) await model.controller.hear(name)
  await model.controller.reconcile()
  model.controller.pass(2_000)
  await model.check()
  if (isBack) model.createSet(3)
}

/** A person takes the record away, and the loop, which has heard of nothing else, writes it anew. */
const rewriteRecord = async (model: SetModel): Promise<void> => {
  model.deleteRecord()
  await model.controller.hear('records')
  await model.controller.reconcile()
}

/** A pod starts anew, perhaps on another address that was asked for. */
const restartPod = async (model: SetModel, ordinal: number, node: NodeName): Promise<void> => {
  await model.stop(ordinal)
  await model.start(ordinal, node)
}

interface Move {
  readonly ordinal: number
  readonly node: NodeName
  readonly family: Family
  readonly text: string | null
}

/** A person asks for another address, and starts the pod anew. */
const move = async (model: SetModel, { ordinal, node, family, text }: Move): Promise<void> => {
  model.edit(ordinal, family, text)
  await restartPod(model, ordinal, node)
}

/** The loop has seen the pod gone; it hears of a wish, and not that the pod is back. */
const wishUnheard = async (model: SetModel, one: Move): Promise<void> => {
  const { controller } = model
  await model.stop(one.ordinal)
  for (const name of ['pods', 'blocks'] as const) await controller.hear(name)
  await model.start(one.ordinal, one.node)
  model.edit(one.ordinal, one.family, one.text)
  await controller.hear('records')
  await controller.reconcile()
}

const steps = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .record({ ordinal, node, family, text })
      .map((one) => step('wishUnheard', one, (m) => wishUnheard(m, one))),
  },
  {
    weight: 4,
    arbitrary: fc
      .record({ ordinal, node, family, text })
      .map((one) => step('move', one, (m) => move(m, one))),
  },
  {
    weight: 3,
    arbitrary: fc
      .record({ isBack: fc.boolean() })
      .map((one) => step('almostReleased', one, (m) => almostReleased(m, one.isBack))),
  },
  { weight: 3, arbitrary: fc.constant(step('rewriteRecord', {}, (m) => rewriteRecord(m))) },
  {
    weight: 4,
    arbitrary: fc
      .record({ ordinal, node })
      .map((one) => step('restartPod', one, (m) => restartPod(m, one.ordinal, one.node))),
  },
  { weight: 5, arbitrary: fc.constant(step('quiet', {}, (m) => quiet(m))) },
  {
    weight: 8,
    arbitrary: fc
      .record({ ordinal, node })
      .map((one) => step('start', one, (m) => m.start(one.ordinal, one.node))),
  },
  {
    weight: 2,
    arbitrary: fc
      .record({ ordinal, node, writes })
      .map((one) => step('startAndLose', one, (m) => m.start(one.ordinal, one.node, one.writes))),
  },
  {
    weight: 3,
    arbitrary: fc.record({ ordinal }).map((one) => step('stop', one, (m) => m.stop(one.ordinal))),
  },
  {
    weight: 2,
    arbitrary: fc
      .record({ ordinal })
      .map((one) => step('forceDelete', one, (m) => m.forceDelete(podName(one.ordinal)))),
  },
  {
    weight: 2,
    arbitrary: fc
      .record({ replicas: fc.nat({ max: 3 }) })
      .map((one) => step('scale', one, (m) => m.scale(one.replicas))),
  },
  { weight: 1, arbitrary: fc.constant(step('deleteSet', {}, (m) => m.deleteSet())) },
  {
    weight: 5,
    arbitrary: fc
      .record({ replicas: fc.nat({ max: 3 }) })
      .map((one) => step('createSet', one, (m) => m.createSet(one.replicas))),
  },
  {
    weight: 1,
    arbitrary: fc.record({ node }).map((one) => step('loseNode', one, (m) => m.loseNode(one.node))),
  },
  {
    weight: 2,
    arbitrary: fc
      .record({ node })
      .map((one) => step('returnNode', one, (m) => void m.down.delete(one.node))),
  },
  {
    weight: 3,
    arbitrary: fc
      .record({ which: fc.nat({ max: 100 }) })
      .map((one) => step('lateDel', one, (m) => m.lateDel(one.which))),
  },
  {
    weight: 5,
    arbitrary: fc
      .record({ ordinal, family, text })
      .map((one) => step('edit', one, (m) => m.edit(one.ordinal, one.family, one.text))),
  },
  { weight: 1, arbitrary: fc.constant(step('deleteRecord', {}, (m) => m.deleteRecord())) },
  {
    weight: 8,
    arbitrary: fc
      .record({ cache: fc.constantFrom(...cacheNames) })
      .map((one) => step('hear', one, (m) => m.controller.hear(one.cache))),
  },
  { weight: 6, arbitrary: fc.constant(step('reconcile', {}, (m) => m.controller.reconcile())) },
  {
    weight: 3,
    arbitrary: fc
      .record({ writes })
      .map((one) => step('reconcileAndDie', one, (m) => m.controller.reconcile(one.writes))),
  },
  { weight: 2, arbitrary: fc.constant(step('restart', {}, (m) => m.controller.restart())) },
  {
    weight: 4,
    arbitrary: fc
      .record({ ms: fc.constantFrom(10, 2_000, 40_000) })
      .map((one) => step('pass', one, (m) => m.controller.pass(one.ms))),
  },
  {
    weight: 2,
    arbitrary: fc
      .record({ node, count: fc.integer({ min: 1, max: 20 }) })
      .map((one) => step('neighbours', one, (m) => m.startNeighbours(one.node, one.count))),
  },
  { weight: 1, arbitrary: fc.constant(step('neighboursGo', {}, (m) => m.stopNeighbours())) },
)

const live = async (atomicCommit: boolean, history: ReadonlyArray<Step>): Promise<void> => {
  const model = await SetModel.create(atomicCommit)
  for (const { act } of history) {
    await act(model)
    await model.check()
  }
  await model.settle()
  await model.checkRecord()
}

describe.each([
  ['atomic', true],
  ['one write at a time', false],
])('%s', (_, atomicCommit) => {
  test.each([
    ['always the same histories', 1],
    ['new ones each time', freshSeed],
  ])(
    'an address changes only as a person asked: %s',
    async (_name, seed) => {
      const histories = fc.array(steps, { maxLength: stepsMax, size: 'max' })
      await fc.assert(
        fc.asyncProperty(histories, (history) => live(atomicCommit, history)),
        { seed, numRuns: runs },
      )
    },
    120_000,
  )
})
