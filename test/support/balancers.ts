// Load balancers in front of two nodes: one of ours, and the real ones with the configurations that docs/proxies.md prints.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, constants, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { Agent } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { endsWithUs } from './child.ts'
import { eventually } from './eventually.ts'
import { freePort } from './free-port.ts'
import { call } from './load.ts'

export interface Balancer extends AsyncDisposable {
  /** Where the next request goes. Throws when no node is held for up. */
  readonly url: string
}

/** A balancer that asks `/readyz` of each node every `interval` ms, and sends to those that answered 200. It repeats nothing. */
export async function ownBalancer(urls: readonly string[], interval: number): Promise<Balancer> {
  const up = new Set<string>(urls)
  const agent = new Agent()
  const end = new AbortController()
  const check = async (url: string): Promise<void> => {
    while (!end.signal.aborted) {
      const status = await call(agent, 'GET', `${url}/readyz`).then(
        (answer) => answer.status,
        () => 0,
      )
      if (status === 200) up.add(url)
      else up.delete(url)
      await sleep(interval)
    }
  }
  const checks = urls.map(check)
  let turn = 0
  return {
    get url() {
      const url = [...up][turn++ % (up.size || 1)]
      if (url === undefined) throw new Error('no node is up')
      return url
    },
    async [Symbol.asyncDispose]() {
      end.abort()
      await Promise.all(checks)
    },
  }
}

interface Real {
  readonly language: string
  /** Turns the printed configuration into a file that runs here. */
  file(printed: string, port: number, folder: string): string
  arguments(file: string, folder: string): string[]
}

const REAL: Readonly<Record<'nginx' | 'haproxy', Real>> = {
  nginx: {
    language: 'nginx',
    file: (printed, port, folder) =>
      `daemon off; pid ${folder}/pid; error_log ${folder}/error.log; events {}
http { access_log off; ${bodies(folder)}
${printed.replace('listen 443 ssl;', `listen 127.0.0.1:${port};`).replaceAll(/^ *ssl_certificate.*$/gm, '')} }`,
    arguments: (file, folder) => ['-p', folder, '-c', file, '-e', join(folder, 'error.log')],
  },
  haproxy: {
    language: 'haproxy',
    file: (printed, port) => printed.replace(/bind :443 .*$/m, `bind 127.0.0.1:${port}`),
    arguments: (file) => ['-f', file],
  },
}

const bodies = (folder: string): string =>
  ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')

export type RealName = keyof typeof REAL

/** The program of a real balancer; undefined where it is not installed. */
export async function programOf(name: RealName): Promise<string | undefined> {
  for (const folder of [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']) {
    const path = join(folder || '.', name)
    if (await access(path, constants.X_OK).then(yes, no)) return path
  }
  return undefined
}

/** Starts a real balancer with the configuration of docs/proxies.md in front of two nodes. */
export async function realBalancer(name: RealName, program: string, urls: readonly string[]): Promise<Balancer> {
  const { language, file, arguments: argumentsOf } = REAL[name]
  const page = await readFile('docs/proxies.md', 'utf8')
  const printed = new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'ms').exec(page)?.[1]
  if (printed === undefined) throw new Error(`docs/proxies.md prints no configuration of ${name}`)
  const nodes = urls.map((url) => new URL(url).host)
  const placed = printed.replace('10.0.0.1:3000', nodes[0] ?? '').replace('10.0.0.2:3000', nodes[1] ?? '')
  const folder = await mkdtemp(join(tmpdir(), `task_api-${name}-`))
  const port = await freePort()
  const path = join(folder, 'conf')
  await writeFile(path, file(placed, port, folder))
  const child = endsWithUs(spawn(program, argumentsOf(path, folder), { stdio: ['ignore', 'ignore', 'pipe'] }))
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const exited = once(child, 'exit')
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM')
    await exited
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await eventually(async () => {
      const socket = connect(port, '127.0.0.1')
      await once(socket, 'connect')
      socket.destroy()
    })
  } catch (cause) {
    await stop()
    throw new Error(`${name} does not listen: ${said}`, { cause })
  }
  return { url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: stop }
}

const yes = (): boolean => true
const no = (): boolean => false
