/** Removal of the control groups that a container runtime made below one of ours. */
import { existsSync, readdirSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'

const root = '/sys/fs/cgroup'

/** Version 1 has one tree per controller below the root, version 2 is the root itself. */
const trees = (): ReadonlyArray<string> =>
  existsSync(root) ? [root, ...readdirSync(root).map((name) => join(root, name))] : []

const removeTree = (directory: string): void => {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) removeTree(join(directory, entry.name))
  }
  rmdirSync(directory)
}

/** Names of the top-level groups, over all trees. */
export const cgroupNames = (): ReadonlyArray<string> => {
  const names = trees().flatMap((tree) => {
    const entries = existsSync(tree) ? readdirSync(tree, { withFileTypes: true }) : []
    return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
  })
  return [...new Set(names)]
}

/** A group that still has processes is left to the next one who looks for leftovers. */
export const removeCgroups = (name: string): void => {
  for (const tree of trees()) {
    const directory = join(tree, name)
    if (!existsSync(directory)) continue
    try {
      removeTree(directory)
    } catch {
      // Busy.
    }
  }
}
