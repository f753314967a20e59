/**
 * Affinities written by Calico before 3.31 lack the labels that newer versions list by, so a list
 * of the host's own does not show them. Found in the list of all, they are rewritten unchanged: the
 * adapter of a datastore with labels adds them with every write. Elsewhere both lists agree, and
 * nothing is written.
 */
import { left, right } from 'fp-ts/lib/Either.js'
import { refuse } from '../errors.ts'
import { keyText } from '../ports/key-text.ts'
import { type Decision, done, readMore } from './decision.ts'
import { listIn, notYetRead } from './snapshot.ts'

interface Progress {
  /** Key texts of affinities that have been rewritten, here or by somebody else. */
  readonly rewritten: ReadonlySet<string>
}

export const upgradeHostDecision = (host: string): Decision<Progress, void> => {
  const all = { list: 'BlockAffinity' } as const
  const visible = { list: 'BlockAffinity', where: { type: 'host', host } } as const
  return {
    operation: 'upgradeHost',
    start: { rewritten: new Set() },
    decide: ({ snapshot }, progress) => {
      if (host === '') return left(refuse('InvalidRequest', 'the host must not be empty'))
      if (notYetRead(snapshot, [all, visible]).length > 0) {
        return right(readMore([all, visible], progress))
      }
      const seen = new Set(listIn(snapshot, visible).map(({ key }) => keyText(key)))
      const next = listIn(snapshot, all).find(({ key, value }) => {
        const text = keyText(key)
        const isOurs = value.host === host && value.type === 'host'
        return isOurs && !seen.has(text) && !progress.rewritten.has(text)
      })
      if (next === undefined) return right(done(undefined))
      const rewritten = { rewritten: new Set([...progress.rewritten, keyText(next.key)]) }
      return right({
        tag: 'Write',
        writes: [{ op: 'update', ...next }],
        progress: rewritten,
        // Whoever was faster wrote the labels.
        ifConflict: rewritten,
        ifUnknown: progress,
      })
    },
  }
}
