// Checks of the services: whether each address can be found and reached, and whether its certificate is valid.
import { connect as connectPlain, isIP, type Socket } from 'node:net'
import { connect as connectTls, TLSSocket } from 'node:tls'
import type { Config } from '../config/config.ts'
import type { Service } from '../core/service.ts'
import { type Checks, type Finding, fault, judged, ok, warning } from './finding.ts'
import { mendOf, saidBy } from './mends.ts'

/** What came of a connection to the host of a URL. */
export interface Reached {
  /** Why it failed; absent: it did not. */
  readonly error?: string
  /** For how long the certificate is valid; absent: there is none. */
  readonly days?: number
}

/** A service, its host and port, and what came of a connection. */
export type ServiceFacts = Reached & { readonly name: string; readonly at: string }

const CONNECT_TIMEOUT_MS = 5_000
const DAY_MS = 86_400_000
const EXPIRES_SOON_DAYS = 14

export const SERVICE_CHECKS: Checks<readonly ServiceFacts[]> = {
  address: {
    asks: 'whether the host of each service is found, takes connections, and has a valid certificate; no request is sent',
    mend: 'Renew the certificate of the service.',
    judge: (services) =>
      services.map(({ name, at, error, days }) => {
        if (error !== undefined)
          return fault(
            `${name}: ${at}: ${error}`,
            mendOf(error, { server: `the service ${name}`, setting: `the url of ${name}` }),
          )
        if (days === undefined) return ok(`${name}: ${at} takes connections`)
        const said = `${name}: the certificate of ${at} is valid for ${Math.floor(days)} days`
        return days < EXPIRES_SOON_DAYS ? warning(said) : ok(said)
      }),
  },
}

/** Checks the services of a configuration. Services with one host and port share a connection. */
export async function services({ services: configured }: Config): Promise<Finding[]> {
  const reached = new Map<string, Promise<Reached>>()
  const facts = [...configured.values()].map(async ({ name, url }) => {
    const { protocol, host } = new URL(url.replaceAll('{action}', 'a'))
    const key = `${protocol}//${host}`
    const asked = reached.get(key) ?? reach({ url })
    reached.set(key, asked)
    return { name, at: host, ...(await asked) }
  })
  return judged('services', SERVICE_CHECKS, await Promise.all(facts))
}

/** Connects to the host of a URL, and closes the connection. Takes 5 s at most, and never throws. */
export function reach({ url }: Pick<Service, 'url'>): Promise<Reached> {
  const { protocol, hostname, port } = new URL(url.replaceAll('{action}', 'a'))
  const host = hostname.replaceAll(/^\[|\]$/g, '')
  const secure = protocol === 'https:'
  const place = { host, port: Number(port || (secure ? 443 : 80)) }
  return new Promise((resolve) => {
    const socket: Socket = secure
      ? connectTls({ ...place, ...(isIP(host) ? {} : { servername: host }) })
      : connectPlain(place)
    const settle = (reached: Reached): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(reached)
    }
    // Also over the look for the host, which the timeout of a socket leaves out.
    const timer = setTimeout(
      () => settle({ error: `no answer within ${CONNECT_TIMEOUT_MS / 1_000} s` }),
      CONNECT_TIMEOUT_MS,
    )
    socket.once('error', (error) => settle({ error: saidBy(error) }))
    socket.once(secure ? 'secureConnect' : 'connect', () =>
      settle(socket instanceof TLSSocket ? { days: daysLeft(socket) } : {}),
    )
  })
}

const daysLeft = (socket: TLSSocket): number => (Date.parse(socket.getPeerCertificate().valid_to) - Date.now()) / DAY_MS
