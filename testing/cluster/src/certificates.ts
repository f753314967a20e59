/**
 * A certificate authority made by openssl, for one test: it signs what servers and clients need and
 * is thrown away with its directory. ECDSA, because a P-256 key takes a millisecond, an RSA one a
 * second.
 */
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { command } from './command.ts'

export interface Certificate {
  readonly certFile: string
  readonly keyFile: string
}

export interface CertificateRequest {
  /** File name, without suffix. */
  readonly name: string
  /** Kubernetes and etcd take it as the user's name. */
  readonly commonName: string
  /** Kubernetes takes these as groups. */
  readonly organizations?: ReadonlyArray<string>
  /** Names and addresses a server answers for. */
  readonly hosts?: ReadonlyArray<string>
}

export interface CertificateAuthority extends Certificate {
  issue(request: CertificateRequest): Promise<Certificate>
}

const validDays = '2'
const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

const subjectOf = (request: CertificateRequest): string =>
  [...(request.organizations ?? []).map((one) => `/O=${one}`), `/CN=${request.commonName}`].join('')

const extensionsOf = (hosts: ReadonlyArray<string>): string => {
  const names = hosts.map((host) => `${isIP(host) === 0 ? 'DNS' : 'IP'}:${host}`)
  return [
    'basicConstraints=CA:FALSE',
    'keyUsage=digitalSignature,keyEncipherment',
    'extendedKeyUsage=serverAuth,clientAuth',
    ...(names.length === 0 ? [] : [`subjectAltName=${names.join(',')}`]),
    '',
  ].join('\n')
}

/** Certificates serve for both ends: a server's may be used as a client's. */
export const createAuthority = async (
  directory: string,
  commonName: string,
): Promise<CertificateAuthority> => {
  const at = (file: string): string => join(directory, file)
  const ca = { certFile: at('ca.crt'), keyFile: at('ca.key') }
  await command('openssl', [
    ...['req', '-x509', ...newKey, '-days', validDays, '-subj', `/CN=${commonName}`],
    ...['-addext', 'keyUsage=critical,keyCertSign,cRLSign'],
    ...['-keyout', ca.keyFile, '-out', ca.certFile],
  ])
  return {
    ...ca,
    issue: async (request) => {
      const made = { certFile: at(`${request.name}.crt`), keyFile: at(`${request.name}.key`) }
      const asked = at(`${request.name}.csr`)
      writeFileSync(at(`${request.name}.ext`), extensionsOf(request.hosts ?? []))
      // -multivalue-rdn is not wanted: each /O= is a group of its own.
      await command('openssl', [
        ...['req', '-new', ...newKey, '-subj', subjectOf(request)],
        ...['-keyout', made.keyFile, '-out', asked],
      ])
      await command('openssl', [
        ...['x509', '-req', '-in', asked, '-CA', ca.certFile, '-CAkey', ca.keyFile],
        // Not from a file: certificates are issued at the same time.
        ...['-set_serial', `0x${randomBytes(12).toString('hex')}`, '-days', validDays],
        ...['-extfile', at(`${request.name}.ext`)],
        ...['-out', made.certFile],
      ])
      return made
    },
  }
}

/** A key pair for signing tokens: PEM files. */
export const createKeyPair = async (
  directory: string,
  name: string,
): Promise<{ readonly privateKeyFile: string; readonly publicKeyFile: string }> => {
  const privateKeyFile = join(directory, `${name}.key`)
  const publicKeyFile = join(directory, `${name}.pub`)
  await command('openssl', [
    ...['ecparam', '-genkey', '-name', 'prime256v1', '-noout', '-out', privateKeyFile],
  ])
  await command('openssl', ['ec', '-in', privateKeyFile, '-pubout', '-out', publicKeyFile])
  return { privateKeyFile, publicKeyFile }
}
