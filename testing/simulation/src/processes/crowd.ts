/**
 * Containers that come and go, many at a time, each by calls of the real executable that are killed
 * at random instants: an ADD that was killed is repeated or given up, a DEL until it succeeds.
 */
import { SeededRandom, seedOf } from '../seeded-random.ts'
import { Claims } from '../truth/claims.ts'
import { type Called, call } from './plugin-call.ts'

export interface CrowdOptions {
  readonly seed: number
  readonly containers: number
  readonly atOnce: number
  /** Share of the calls that are killed. */
  readonly killed: number
  /** About as long as a call takes, for instants to kill at. */
  readonly killWithinMs: number
  readonly networkName: string
  readonly confFor: (container: number) => object
}

export interface CrowdResult {
  readonly claims: Claims
  readonly calls: number
  readonly kills: number
  readonly refused: ReadonlyArray<string>
  /** Two containers that were told the same address, calls that ended badly. */
  readonly faults: ReadonlyArray<string>
  /** Calls DEL once more for everything that must not hold anything. */
  readonly sweep: () => Promise<void>
}

const addsMax = 3
const delsMax = 50

class Crowd {
  readonly claims = new Claims()
  readonly faults: string[] = []
  readonly refused: string[] = []
  readonly gone: number[] = []
  calls = 0
  kills = 0
  readonly #options: CrowdOptions
  readonly #random: SeededRandom

  constructor(options: CrowdOptions) {
    this.#options = options
    this.#random = new SeededRandom(options.seed)
  }

  async call(command: 'ADD' | 'DEL', container: number, mayDie: boolean): Promise<Called> {
    const { killed, killWithinMs, confFor } = this.#options
    const isKilled = mayDie && this.#random.chance(killed)
    const killAfterMs = isKilled ? this.#random.between(0, killWithinMs) : undefined
    this.calls += 1
    const called = await call({
      command,
      containerID: `c${container}`,
      conf: confFor(container),
      ...(killAfterMs === undefined ? {} : { killAfterMs }),
    })
    if (called.tag === 'Killed') this.kills += 1
    if (called.tag === 'Refused') this.refused.push(called.message)
    if (called.tag === 'Broken') this.faults.push(`${command} c${container}: ${called.words}`)
    return called
  }

  /** Whether it lives, with its address. */
  async start(container: number): Promise<boolean> {
    const handle = `${this.#options.networkName}.c${container}`
    for (let n = 0; n < addsMax; n += 1) {
      const called = await this.call('ADD', container, true)
      if (called.tag === 'Done') {
        for (const address of called.addresses) {
          const other = this.claims.get(address)
          if (other !== undefined) this.faults.push(`${address}: ${other.handle} and ${handle}`)
          this.claims.set(address, { handle })
        }
        return called.addresses.length > 0
      }
      if (called.tag === 'Refused') return false
    }
    return false
  }

  async stop(container: number): Promise<void> {
    const handle = `${this.#options.networkName}.c${container}`
    for (const [address, claim] of [...this.claims.all]) {
      if (claim.handle === handle) this.claims.end(address, handle)
    }
    this.gone.push(container)
    for (let n = 0; n < delsMax; n += 1) {
      const called = await this.call('DEL', container, n < delsMax / 2)
      if (called.tag === 'Done') return
    }
    this.faults.push(`c${container}: DEL never succeeded`)
  }

  async life(container: number): Promise<void> {
    const random = new SeededRandom(seedOf(this.#options.seed, container))
    const isLive = await this.start(container)
    if (!isLive || random.chance(0.7)) await this.stop(container)
  }
}

/** One life after the other, `atOnce` at a time. Some containers live on. */
export const runCrowd = async (options: CrowdOptions): Promise<CrowdResult> => {
  const crowd = new Crowd(options)
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < options.containers) {
      next += 1
      await crowd.life(next)
    }
  }
  await Promise.all(Array.from({ length: options.atOnce }, worker))
  const sweep = async (): Promise<void> => {
    for (const container of crowd.gone) await crowd.call('DEL', container, false)
  }
  const { claims, calls, kills, refused, faults } = crowd
  return { claims, calls, kills, refused, faults, sweep }
}
