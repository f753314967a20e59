/** Compiled as the plugins are, and tells what it sees: for hostile-environment.e2e.test.ts. */
import { readdirSync, writeSync } from 'node:fs'

const seen = {
  variables: Object.keys(process.env).sort(),
  argv: process.argv.slice(2),
  execArgv: process.execArgv,
  preloaded: (globalThis as { preloaded?: boolean }).preloaded ?? false,
  files: readdirSync('.').sort(),
}
writeSync(1, `${JSON.stringify(seen)}\n`)
