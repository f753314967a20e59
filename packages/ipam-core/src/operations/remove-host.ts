/**
 * The host is gone: its blocks lose their owner, empty ones go. Addresses stay allocated until they
 * are released; the last one of a block that nobody owns takes the block along. The legacy marker
 * that upstream also deletes is not part of the port: nothing reads it.
 */
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import type { IPAMError } from '../errors.ts'
import type { Deps } from './deps.ts'
import { releaseHostAffinities } from './release-affinity.ts'

export const removeIPAMHost = (deps: Deps, host: string): TaskEither<IPAMError, void> =>
  releaseHostAffinities(deps, { type: 'host', host }, { mustBeEmpty: false })
