/**
 * A watch as the port promises it, over a log that does not remember for ever: whoever is behind for
 * too long is told 410, lists again, and reports what changed and what vanished meanwhile.
 */
import { type KeyValue, type Kind, keyText, type WatchEvent } from '@hc-calico/ipam-core/ports'
import type { World } from '../world.ts'

/** How far a watcher may be behind; now and then far enough to be told 410. */
const lagMs = { usual: 10_000, rare: 900_000, rareChance: 0.02, healed: 600_000 } as const

type Reported = Map<string, KeyValue>

const eventOf = (
  reported: Reported,
  text: string,
  key: KeyValue['key'],
  now: KeyValue | undefined,
): WatchEvent | undefined => {
  const before = reported.get(text)
  if (now === undefined) {
    reported.delete(text)
    return before === undefined ? undefined : { tag: 'Deleted', key }
  }
  reported.set(text, now)
  return before?.revision === now.revision ? undefined : { tag: 'Put', keyValue: now }
}

const resync = (
  reported: Reported,
  listed: ReadonlyArray<KeyValue>,
): ReadonlyArray<WatchEvent | undefined> => {
  const names = new Set(listed.map(({ key }) => keyText(key)))
  const gone = [...reported].filter(([text]) => !names.has(text))
  return [
    ...gone.map(([text, { key }]) => eventOf(reported, text, key, undefined)),
    ...listed.map((one) => eventOf(reported, keyText(one.key), one.key, one)),
    { tag: 'Synced' } as const,
  ]
}

export async function* watched(world: World, kind: Kind): AsyncIterable<WatchEvent> {
  const { store, scheduler } = world
  const random = world.randomFor(`watch ${kind}`)
  const reported: Reported = new Map()
  for (;;) {
    let position = store.position(kind)
    for (const event of resync(reported, store.list({ list: kind } as never))) {
      if (event !== undefined) yield event
    }
    for (;;) {
      const upTo = random.chance(lagMs.rareChance) ? lagMs.rare : lagMs.usual
      await scheduler.sleep(world.isHealed ? lagMs.healed : random.between(200, upTo))
      const changes = store.since(kind, position)
      if (changes === undefined) break
      position += changes.length
      for (const { key, after } of changes) {
        const event = eventOf(reported, keyText(key), key, after)
        if (event !== undefined) yield event
      }
    }
  }
}
