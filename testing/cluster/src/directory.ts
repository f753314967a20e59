/** A directory of our own, gone when we are done: data, logs, certificates, sockets. */
import { mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { removeDirectory, removeLeftovers } from './leftovers.ts'
import { atEnd, ownedName } from './teardown.ts'

export interface OwnDirectory {
  readonly path: string
  /** Unmounts what is mounted below it, then removes it. */
  remove(): void
}

/** `parent` where the default (the system's temporary directory) will not do. */
export const makeDirectory = (label: string, parent = tmpdir()): OwnDirectory => {
  removeLeftovers()
  const path = join(parent, ownedName(label))
  mkdirSync(path, { mode: 0o700 })
  const forget = atEnd(path, () => removeDirectory(path))
  return {
    path,
    remove: () => {
      removeDirectory(path)
      forget()
    },
  }
}
