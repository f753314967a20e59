/** `hc-calico-ranges`: prints the objects of range-manifests.ts for what the command line asks. */
import { parseArgs } from 'node:util'
import { type RangeManifestRequest, rangeManifests } from './range-manifests.ts'

export const rangesUsage = `Usage: hc-calico-ranges --name NAME [options] RANGE...

Prints IPPools and an IPReservation that give out exactly the addresses of the ranges, as a List for
"kubectl apply -f -" or "calicoctl apply -f -". A RANGE is FIRST-LAST, a CIDR, or one address.

  --exclude RANGE        is not given out; may be repeated
  --block-size LENGTH    prefix length of the pools' blocks (default 26, IPv6 122)
  --api-version VERSION  projectcalico.org/v3 (default) or crd.projectcalico.org/v1
  --automatic            pools are chosen by themselves, not only where they are asked for
  --help
`

const parsed = (args: ReadonlyArray<string>) =>
  parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      name: { type: 'string' },
      exclude: { type: 'string', multiple: true },
      'block-size': { type: 'string' },
      'api-version': { type: 'string' },
      automatic: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  })

type Parsed = ReturnType<typeof parsed>

/** The request, or what is wrong with the command line. */
const requestOf = ({ values, positionals }: Parsed): RangeManifestRequest | string => {
  const { name, exclude = [], automatic, 'block-size': size } = values
  const { 'api-version': apiVersion = 'projectcalico.org/v3' } = values
  if (name === undefined) return 'no name is given: --name NAME'
  if (size !== undefined && !/^\d{1,3}$/.test(size)) {
    return `--block-size ${size} is not a prefix length`
  }
  if (apiVersion !== 'projectcalico.org/v3' && apiVersion !== 'crd.projectcalico.org/v1') {
    return `--api-version ${apiVersion} is neither projectcalico.org/v3 nor crd.projectcalico.org/v1`
  }
  return {
    name,
    ranges: positionals,
    excludes: exclude,
    ...(size === undefined ? {} : { blockSize: Number(size) }),
    apiVersion,
    assignmentMode: automatic === true ? 'Automatic' : 'Manual',
  }
}

export interface CommandOutput {
  readonly exitCode: 0 | 2
  readonly stdout: string
  readonly stderr: string
}

const refused = (why: string): CommandOutput => ({
  exitCode: 2,
  stdout: '',
  stderr: `hc-calico-ranges: ${why}\n`,
})

export const runRanges = (args: ReadonlyArray<string>): CommandOutput => {
  let given: Parsed
  try {
    given = parsed(args)
  } catch (error) {
    return refused((error as Error).message)
  }
  if (given.values.help === true) return { exitCode: 0, stdout: rangesUsage, stderr: '' }
  const request = requestOf(given)
  const made = typeof request === 'string' ? request : rangeManifests(request)
  if (typeof made === 'string') return refused(made)
  return {
    exitCode: 0,
    stdout: `${JSON.stringify(made.list, null, 2)}\n`,
    stderr: `${made.addresses} addresses\n`,
  }
}
