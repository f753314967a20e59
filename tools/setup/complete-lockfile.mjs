// Adds to package-lock.json the platform packages that the registry in use did not offer when the
// lock was made: without an entry `npm ci` refuses the lock. Run it after `npm install` changed it.
import { readFileSync, writeFileSync } from 'node:fs'

const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'))
const systems = [
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'wasm32',
  'wasm',
  'win32',
  'windows',
]
const processors = [
  'arm64',
  'aarch64',
  'x64',
  'arm',
  'ia32',
  'x86',
  'riscv64',
  's390x',
  'ppc64',
  'loong64',
  'mips64el',
]

const platformOf = (name) => {
  const parts = name.split(/[/-]/)
  const os = systems.find((one) => parts.includes(one)) ?? 'none'
  const cpu = processors.find((one) => parts.includes(one)) ?? 'none'
  const isMusl = parts.some((part) => part.startsWith('musl'))
  const real = { windows: 'win32', aarch64: 'arm64', x86: 'ia32', wasm32: 'none', wasm: 'none' }
  return {
    cpu: [real[cpu] ?? cpu],
    ...(isMusl && { libc: ['musl'] }),
    optional: true,
    os: [real[os] ?? os],
  }
}

for (const [path, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const isThere =
      lock.packages[`${path}/node_modules/${name}`] ?? lock.packages[`node_modules/${name}`]
    if (isThere) continue
    const dev = entry.dev || path === '' ? { dev: true } : {}
    lock.packages[`node_modules/${name}`] = { version, ...dev, ...platformOf(name) }
  }
}
const packages = Object.fromEntries(
  Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)),
)
writeFileSync('package-lock.json', `${JSON.stringify({ ...lock, packages }, null, 2)}\n`)
