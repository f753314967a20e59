/**
 * `npm run bench`: every benchmark, tables to stderr, one JSON document with the machine and the
 * results to stdout (`npm run --silent bench > results.json`).
 */
import { execFileSync } from 'node:child_process'
import { cpus, release, totalmem } from 'node:os'
import { cniProcess, cniProcessTable } from './cni-process.ts'
import { coreAllocation } from './core-allocation.ts'

const mebibyte = 1024 * 1024

const say = (text: string): void => {
  process.stderr.write(`${text}\n`)
}

/** The commit, with a mark when the tree differs from it; nothing outside a checkout. */
const commit = (): string => {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8' }).trim()
  } catch {
    return 'unknown'
  }
}

const environment = () => ({
  at: new Date().toISOString(),
  commit: commit(),
  node: process.version,
  kernel: release(),
  cpu: cpus()[0]?.model ?? 'unknown',
  cpus: cpus().length,
  memoryMiB: Math.round(totalmem() / mebibyte),
})

const runCore = async () => {
  say('core: filling a /16 and a /112 through the memory datastore')
  const core = await coreAllocation()
  for (const { pool, allocationsPerSecond } of core.filled) {
    say(`  ${pool}: ${allocationsPerSecond} allocations per second`)
  }
  for (const { blocksOfOthers, coreMicroseconds } of core.among) {
    say(`  among ${blocksOfOthers} blocks of others: ${coreMicroseconds} us per allocation`)
  }
  return core
}

const runProcesses = async () => {
  say('\nwhole CNI calls against ptp and host-local')
  const processes = await cniProcess()
  say(cniProcessTable(processes))
  return processes
}

const core = await runCore()
const processes = await runProcesses()
const results = { environment: environment(), core, processes }
process.stdout.write(`${JSON.stringify(results, null, 2)}\n`)
