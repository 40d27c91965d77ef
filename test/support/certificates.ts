// Certificates for tests, made with nothing but Node: a CA, and servers' certificates that it signs.
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'

/** A certificate and its key, as PEM. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

/** A CA: its own certificate, and what signs others. */
export interface Authority extends Certificate {
  /** The certificate of a server with this host name. */
  issue(host: string): Certificate
}

/** An element of DER: its tag, its length, its content. */
function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const size = content.length
  const length = size < 128 ? [size] : size < 256 ? [0x81, size] : [0x82, size >> 8, size & 255]
  return Buffer.concat([Buffer.from([tag, ...length]), content])
}
const sequence = (...parts: readonly Buffer[]): Buffer => der(0x30, ...parts)
const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'))
const TRUE = der(0x01, Buffer.from([255]))

const ECDSA_WITH_SHA256 = sequence(oid('2a8648ce3d040302'))
const VALIDITY = sequence(der(0x17, Buffer.from('200101000000Z')), der(0x17, Buffer.from('490101000000Z')))
const IS_CA = sequence(oid('551d13'), TRUE, der(0x04, sequence(TRUE)))
const isHost = (host: string): Buffer => sequence(oid('551d11'), der(0x04, sequence(der(0x82, Buffer.from(host)))))
const nameOf = (text: string): Buffer => sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(text)))))

let serial = 1

function certificate(subject: string, extension: Buffer, issuer?: { readonly name: string; readonly key: KeyObject }) {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const signer = issuer ?? { name: subject, key: privateKey }
  serial += 1
  const content = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([serial])),
    ECDSA_WITH_SHA256,
    nameOf(signer.name),
    VALIDITY,
    nameOf(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(extension)),
  )
  const signature = der(0x03, Buffer.from([0]), sign('sha256', content, signer.key))
  const body = sequence(content, ECDSA_WITH_SHA256, signature).toString('base64')
  const cert = `-----BEGIN CERTIFICATE-----\n${body.match(/.{1,64}/g)?.join('\n')}\n-----END CERTIFICATE-----\n`
  return { cert, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), privateKey }
}

/** Makes a CA. Each has a key and a name of its own. */
export function authority(name: string): Authority {
  const { cert, key, privateKey } = certificate(name, IS_CA)
  return {
    cert,
    key,
    issue: (host) => {
      const issued = certificate(host, isHost(host), { name, key: privateKey })
      return { cert: issued.cert, key: issued.key }
    },
  }
}
