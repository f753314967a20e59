/** A digest of everything the executable is made of: when it is the same, so is the executable. */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { packageRoot } from './bun.ts'

const workspaceRoot = join(packageRoot, '..', '..')
const scope = '@hc-calico/'

const filesBelow = (directory: string): string[] =>
  existsSync(directory)
    ? readdirSync(directory, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
    : []

/** Our packages that one depends on, directly or not. */
const packagesOf = (name: string, found: Set<string> = new Set()): Set<string> => {
  if (found.has(name)) return found
  found.add(name)
  const manifest = join(workspaceRoot, 'packages', name, 'package.json')
  const { dependencies = {} } = JSON.parse(readFileSync(manifest, 'utf8')) as {
    dependencies?: Readonly<Record<string, string>>
  }
  for (const dependency of Object.keys(dependencies)) {
    if (dependency.startsWith(scope)) packagesOf(dependency.slice(scope.length), found)
  }
  return found
}

const inputFiles = (): string[] => [
  ...[...packagesOf('cni-plugin')].flatMap((name) => {
    const root = join(workspaceRoot, 'packages', name)
    return [join(root, 'package.json'), ...filesBelow(join(root, 'src'))]
  }),
  ...filesBelow(join(packageRoot, 'build')),
  join(workspaceRoot, 'package-lock.json'),
]

/** Hexadecimal SHA-256 over the inputs. */
export const inputKey = (): string => {
  const hash = createHash('sha256')
  for (const file of inputFiles().sort()) {
    hash.update(`${relative(workspaceRoot, file)}\0`)
    hash.update(readFileSync(file))
  }
  return hash.digest('hex')
}
