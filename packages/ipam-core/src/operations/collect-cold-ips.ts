/**
 * Runs decisions/collect-cold-ips.ts on every block that has something cold. All blocks are listed
 * once; each is then a decision of its own, because a conflict on one is no reason to repeat others.
 */
import { isLeft, left, right } from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { coldAddresses, collectBlockDecision } from '../decisions/collect-cold-ips.ts'
import { configIn } from '../decisions/ipam-config.ts'
import { emptySnapshot, listIn, type Snapshot, withCurrent } from '../decisions/snapshot.ts'
import type { IPAMError } from '../errors.ts'
import type { KeyValue, Query } from '../ports/datastore.ts'
import type { Deps } from './deps.ts'
import { readSnapshot } from './read-snapshot.ts'
import { runDecision } from './run-decision.ts'

const blocks = { list: 'Block' } as const
const config = { kind: 'IPAMConfig' } as const
const queries: ReadonlyArray<Query> = [blocks, { get: config }]

const coldBlocks = (deps: Deps, snapshot: Snapshot): ReadonlyArray<KeyValue<'Block'>> => {
  const cooldownSeconds = configIn(snapshot).ipCooldownSeconds
  const cooling = { now: deps.clock.now(), cooldownSeconds }
  return listIn(snapshot, blocks).filter(({ value }) => coldAddresses(value, cooling).length > 0)
}

/** Answers the addresses it freed. One block's failure does not stop the others. */
export const garbageCollectColdIPs =
  (deps: Deps): TaskEither<IPAMError, ReadonlyArray<string>> =>
  async () => {
    const read = await readSnapshot(deps, 'garbageCollectColdIPs', queries)()
    if (isLeft(read)) return read
    const known = { key: config, found: read.right.objects.get('IPAMConfig') }
    const freed: string[] = []
    let last: IPAMError | undefined
    for (const block of coldBlocks(deps, read.right)) {
      // A snapshot of its own: a copy of all blocks for each of them would be quadratic.
      const own = withCurrent(emptySnapshot, [known, { key: block.key, found: block }])
      const result = await runDecision(deps, collectBlockDecision(block.value.cidr), own)()
      if (isLeft(result)) last = result.left
      else freed.push(...result.right)
    }
    return last === undefined ? right(freed) : left(last)
  }
