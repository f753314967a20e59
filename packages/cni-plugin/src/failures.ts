/**
 * The core's errors as CNI errors: which of them a runtime should try again, which are an answer.
 * Messages pass unchanged; Calico's texts are in them, and people search for those.
 */
import { IPAMFailure } from '@hc-calico/ipam-core'
import { type DatastoreErrorTag, DatastoreFailure } from '@hc-calico/ipam-core/ports'
import { CNIFailure, cniErrorCode, toFailure } from './skel/cni-error.ts'

const codeOfDatastore: Readonly<Record<DatastoreErrorTag, number>> = {
  NotFound: cniErrorCode.datastoreFailed,
  AlreadyExists: cniErrorCode.tryAgainLater,
  Conflict: cniErrorCode.tryAgainLater,
  OutcomeUnknown: cniErrorCode.tryAgainLater,
  Unavailable: cniErrorCode.tryAgainLater,
  Unauthorized: cniErrorCode.datastoreFailed,
  Malformed: cniErrorCode.datastoreFailed,
  Unsupported: cniErrorCode.datastoreFailed,
}

const codeOfIPAM = (failure: IPAMFailure): number => {
  if (failure.family === 'refusal') return cniErrorCode.addressRefused
  if (failure.family !== 'datastore') return cniErrorCode.tryAgainLater
  return codeOfDatastore[failure.tag as DatastoreErrorTag]
}

/** One line: some of Calico's texts end in a line break, and a message is one line of a log. */
const oneLine = (message: string): string => message.trim().replace(/\s*[\r\n]+\s*/g, ' ')

/** Anything a command throws, as what the protocol prints. */
export const asCNIFailure = (thrown: unknown): CNIFailure => {
  if (thrown instanceof IPAMFailure) {
    return new CNIFailure(codeOfIPAM(thrown), oneLine(thrown.message), { cause: thrown })
  }
  if (thrown instanceof DatastoreFailure) {
    return new CNIFailure(codeOfDatastore[thrown.error.tag], oneLine(thrown.message), {
      cause: thrown,
    })
  }
  return toFailure(thrown)
}

/** Whether the failure says that the object is not there: success, for anything that removes. */
export const isMissing = (thrown: unknown): boolean => {
  if (thrown instanceof IPAMFailure)
    return thrown.tag === 'HandleMissing' || thrown.tag === 'NotFound'
  return thrown instanceof DatastoreFailure && thrown.error.tag === 'NotFound'
}
