/**
 * The IPAM of one call, under the lock that all IPAM processes of a host share. The lock is held
 * around datastore work only, never while the kernel is waited for; the deadline starts when the
 * lock is held, so that waiting in the queue does not eat it.
 */
import type { IPAM } from '@hc-calico/ipam-core'
import type { Datastore } from '@hc-calico/ipam-core/ports'
import type { AddressSession } from './session.ts'

/** The datastore work of one command; Calico's figure. */
const datastoreMsMax = 90_000
/** Giving back what a failed command took. */
const cleanupMsMax = 30_000

const ipamWith = (session: AddressSession, datastore: Datastore, msMax: number): IPAM =>
  session.machine.openIPAM(datastore, msMax, (observation) => {
    if (observation.tag === 'Retry') session.log.info('Retrying', { ...observation })
    if (observation.tag === 'Note') session.log.info(observation.message)
  })

const ipamOf = async (session: AddressSession, msMax: number): Promise<IPAM> =>
  ipamWith(session, await session.datastore(), msMax)

/** An IPAM with a deadline of its own, for giving back what a command took that failed. */
export type ForCleanup = () => Promise<IPAM>

const locked = async <A>(
  session: AddressSession,
  msMax: number,
  body: (ipam: IPAM, forCleanup: ForCleanup) => Promise<A>,
): Promise<A> => {
  // Opened before the lock: nobody should wait for a connection of ours.
  await session.datastore()
  const lock = await session.machine.hostLock(session.log)
  return lock.run(session.config.ipamLockFile, async () =>
    body(await ipamOf(session, msMax), () => ipamOf(session, cleanupMsMax)),
  )
}

/** Runs `body` while this process holds the host's IPAM lock. */
export const withLockedIPAM = <A>(
  session: AddressSession,
  body: (ipam: IPAM, forCleanup: ForCleanup) => Promise<A>,
): Promise<A> => locked(session, datastoreMsMax, body)

/** The same for clean-up after a failure, with a deadline of its own. */
export const withIPAMForCleanup = <A>(
  session: AddressSession,
  body: (ipam: IPAM) => Promise<A>,
): Promise<A> => locked(session, cleanupMsMax, body)

/** For reading only: no lock, nobody waits. */
export const readingIPAM = (session: AddressSession): Promise<IPAM> =>
  ipamOf(session, datastoreMsMax)

/** On another datastore than the session's own: a view of it that writes nothing. */
export const ipamOn = (session: AddressSession, datastore: Datastore): IPAM =>
  ipamWith(session, datastore, datastoreMsMax)
