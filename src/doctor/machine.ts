// Checks of the machine: the port of the API, open files, memory, and the folder of the embedded Postgres.
import { constants } from 'node:fs'
import { access, readFile, statfs } from 'node:fs/promises'
import { freemem } from 'node:os'
import { dirname } from 'node:path'
import { CannotListen, SERVER_LIMITS, tryAddress } from '../api/server.ts'
import type { Config } from '../config/config.ts'
import { descriptorLimit, descriptorsNeeded } from '../core/descriptors.ts'
import { type Checks, type Finding, fault, judged, ok, warning } from './finding.ts'
import { saidBy } from './mends.ts'

/** What is asked of the machine. */
export interface MachineFacts {
  readonly address: string
  /** Why the API could not listen; undefined: it could. */
  readonly taken?: string | undefined
  /** What answers there as a task_api does: its status. */
  readonly node?: string | undefined
  readonly files: { readonly limit: number | undefined; readonly needed: number }
  readonly slots: number
  /** Bytes that are free. */
  readonly memory: number
  /** The folder of the embedded Postgres; undefined: there is a `DATABASE_URL`. */
  readonly folder?: { readonly path: string; readonly error?: string; readonly free: number } | undefined
}

const MIB = 1024 * 1024
/** Of a node that is idle, and of a task in hand with a payload of some kilobytes. */
const MEMORY = { node: 256 * MIB, slot: 64 * 1024 }
const LEAST_DISK = 1024 * MIB
const PROBE_TIMEOUT_MS = 3_000

export const MACHINE_CHECKS: Checks<MachineFacts> = {
  port: {
    asks: 'whether `HOST` and `PORT` are free, or a task_api has them',
    mend: 'Set HOST and PORT to an address of this machine that is free, or stop what has the port.',
    judge: ({ address, taken, node }) => {
      if (taken === undefined) return ok(`${address} is free`)
      if (node === undefined) return fault(taken)
      if (node === 'ready') return ok(`a task_api listens on ${address}, and is ready`)
      return warning(`a task_api listens on ${address}, and is ${node}`, 'Look at its log, levels 40 and up.')
    },
  },
  files: {
    asks: 'whether as many files may be open as `SLOTS`, callers and services need',
    mend: 'Raise ulimit -n (systemd: LimitNOFILE) to 65536, or lower SLOTS or concurrency.',
    judge: ({ files: { limit, needed } }) => {
      if (limit === undefined) return ok('no limit of open files is known')
      const said = `${limit} files may be open, and up to ${needed} are needed`
      return limit < needed ? warning(said) : ok(said)
    },
  },
  memory: {
    asks: 'whether 256 MiB and 64 KiB for each of `SLOTS` are free',
    mend: 'Give this machine more memory, or lower SLOTS.',
    judge: ({ slots, memory }) => {
      const said = `${mebibytes(memory)} MiB of memory are free, for ${slots} slots`
      return memory < MEMORY.node + slots * MEMORY.slot ? warning(said) : ok(said)
    },
  },
  folder: {
    asks: 'without `DATABASE_URL`: whether the embedded Postgres can write to `DATA_DIR`, and has 1 GiB of disk',
    mend: 'Let this user write to DATA_DIR or name another folder, and make room there; for production set DATABASE_URL.',
    judge: ({ folder }) => {
      if (folder === undefined) return []
      if (folder.error !== undefined) return fault(`${folder.path}: ${folder.error}`)
      const said = `the embedded Postgres, for one node: ${folder.path}, ${mebibytes(folder.free)} MiB are free`
      return folder.free < LEAST_DISK ? warning(said) : ok(said)
    },
  },
}

const mebibytes = (bytes: number): number => Math.floor(bytes / MIB)

/** Checks this machine for a configuration. */
export async function machine(config: Config): Promise<Finding[]> {
  const { host, port, slots, services, databaseUrl, dataDir } = config
  const taken = await tryAddress(config).then(
    () => undefined,
    (error: unknown) => {
      if (error instanceof CannotListen) return error.message
      throw error
    },
  )
  return judged('machine', MACHINE_CHECKS, {
    address: `${host}:${port}`,
    taken,
    node: taken === undefined ? undefined : await statusOf(host, port),
    files: {
      limit: descriptorLimit(await readFile('/proc/self/limits', 'utf8').catch(() => '')),
      needed: descriptorsNeeded(services, slots, SERVER_LIMITS.maxConnections),
    },
    slots,
    memory: freeMemory(),
    folder: databaseUrl === undefined ? await folderOf(dataDir) : undefined,
  })
}

/** What a task_api at an address says of itself; undefined when nothing answers as one. */
async function statusOf(host: string, port: number): Promise<string | undefined> {
  const reached = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '[::1]' : host.includes(':') ? `[${host}]` : host
  try {
    const signal = AbortSignal.timeout(PROBE_TIMEOUT_MS)
    const answer = await fetch(`http://${reached}:${port}/readyz`, { signal, redirect: 'error' })
    const { status, queue } = (await answer.json()) as { status?: unknown; queue?: unknown }
    return queue !== undefined && typeof status === 'string' ? status : undefined
  } catch {
    return undefined
  }
}

/** Within the limit of a container, where there is one. */
const freeMemory = (): number => process.availableMemory?.() ?? freemem()

/** The folder, or the nearest one above it that is there. */
async function folderOf(path: string): Promise<NonNullable<MachineFacts['folder']>> {
  for (let at = path; ; at = dirname(at)) {
    try {
      await access(at, constants.W_OK | constants.X_OK)
      const { bavail, bsize } = await statfs(at)
      return { path, free: bavail * bsize }
    } catch (error) {
      const missing = (error as NodeJS.ErrnoException).code === 'ENOENT' && at !== dirname(at)
      if (!missing) return { path, error: saidBy(error), free: 0 }
    }
  }
}
