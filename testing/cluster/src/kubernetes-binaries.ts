/**
 * The real Kubernetes programs. No package registry carries them, so they are built from their own
 * Go modules (`kubernetes/main.go`: one binary that is what it is called as) and kept outside the
 * tree, in a directory named after what they were built from. KUBEBUILDER_ASSETS, the convention of
 * Kubernetes' own test environment, names a directory that has them already.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { command, plainEnvironment, tryCommand } from './command.ts'

export const kubernetesPrograms = [
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubelet',
  'kubectl',
] as const

export type KubernetesProgram = (typeof kubernetesPrograms)[number]

/** Where a program is. */
export type KubernetesBinaries = (program: KubernetesProgram) => string

const sources = join(import.meta.dirname, '../kubernetes')
const sourceFiles = ['go.mod', 'go.sum', 'main.go']

// A cold build was seen to take 400 s on two cores.
const buildTimeoutMs = 45 * 60_000

const versionOf = (goMod: string): string =>
  /^\s*k8s\.io\/kubernetes (v\S+)$/m.exec(goMod)?.[1] ?? 'v0.0.0'

const cacheRoot = (): string =>
  join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'hc-calico')

/** The directory of the build of these sources, whether it exists or not. */
export const buildDirectory = (): string => {
  const hash = createHash('sha256')
  for (const file of sourceFiles) hash.update(readFileSync(join(sources, file)))
  return join(cacheRoot(), `kubernetes-${hash.digest('hex').slice(0, 16)}`)
}

const requireGo = async (): Promise<void> => {
  const { exitCode } = await tryCommand('go', ['version']).catch(() => ({ exitCode: 1 }))
  if (exitCode === 0) return
  throw new Error(
    'the Kubernetes programs are built with Go 1.24 or newer, and there is no "go" on the PATH: install it, or set KUBEBUILDER_ASSETS to a directory with kube-apiserver, kube-controller-manager, kube-scheduler, kubelet and kubectl',
  )
}

/** What Go may read from the tester's environment: where modules come from, and its caches. */
const goEnvironment = (): Record<string, string> => {
  const kept = Object.entries(process.env).filter(
    ([name, value]) =>
      value !== undefined && /^(GO[A-Z0-9_]*|XDG_CACHE_HOME|.*_PROXY|.*_proxy|SSL_.*)$/.test(name),
  )
  return { ...plainEnvironment(), ...(Object.fromEntries(kept) as Record<string, string>) }
}

/** $1: the directory to make; $2: linker flags; the rest: program names. */
const buildScript = `
set -e
if [ -e "$1/kube" ]; then exit 0; fi
directory=$1 flags=$2
shift 2
rm -rf "$directory.draft"
mkdir -p "$directory.draft"
CGO_ENABLED=0 go build -trimpath -ldflags "$flags" -o "$directory.draft/kube" .
for program in "$@"; do ln -s kube "$directory.draft/$program"; done
mv "$directory.draft" "$directory"
`

/**
 * Made under another name and renamed, so that what is there is complete; under a lock, so that
 * test files that start together build it once.
 */
const build = async (directory: string): Promise<void> => {
  await requireGo()
  process.stderr.write('building the Kubernetes programs: once, several minutes\n')
  mkdirSync(dirname(directory), { recursive: true })
  const version = versionOf(readFileSync(join(sources, 'go.mod'), 'utf8'))
  const flags = `-s -w -X k8s.io/component-base/version.gitVersion=${version}`
  const script = ['sh', '-c', buildScript, 'sh', directory, flags, ...kubernetesPrograms]
  await command('flock', [`${directory}.lock`, ...script], {
    cwd: sources,
    env: goEnvironment(),
    timeoutMs: buildTimeoutMs,
  })
}

/** Builds them if need be. */
export const kubernetesBinaries = async (): Promise<KubernetesBinaries> => {
  const assets = process.env.KUBEBUILDER_ASSETS
  const directory = assets || buildDirectory()
  if (!assets && !existsSync(join(directory, 'kube'))) await build(directory)
  return (program) => {
    const file = join(directory, program)
    if (existsSync(file)) return file
    throw new Error(
      `${file} is missing${assets ? ' (KUBEBUILDER_ASSETS names its directory)' : ''}`,
    )
  }
}
