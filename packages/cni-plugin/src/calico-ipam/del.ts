/** DEL of the IPAM executable: everything the container holds, also when it holds nothing. */
import { identify } from '../identity.ts'
import type { Session } from '../session.ts'
import { blocksNamedBy, releaseAddresses } from './release.ts'

export const deleteAddresses = async (session: Session): Promise<void> => {
  const identity = identify(session.call, session.config, session.node)
  await releaseAddresses(session, identity, blocksNamedBy(session.call.conf.prevResult))
}
