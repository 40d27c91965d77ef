// A node whose log goes to a full disk, or to somebody who does not read it: it starts, serves and stops all the same.
import { expect } from 'chai'
import { type ChildProcess, type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, existsSync, openSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { endsWithUs } from '../support/child.ts'
import { createMigrated } from '../support/databases.ts'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-port.ts'
import { together } from '../support/together.ts'
import { post } from '../support/world.ts'

const BIN = fileURLToPath(new URL('../../src/bin.js', import.meta.url))

/** Each logs a line of some 150 bytes when it fails: together more than a pipe holds. */
const TASKS = 700

type Output = number | 'pipe'

interface Started {
  readonly child: ChildProcess
  readonly url: string
}

/** Starts a node whose stdout and stderr are given, and waits until it is ready. */
async function starting(
  output: readonly [stdout: Output, stderr: Output],
  run: (started: Started) => Promise<void>,
  program: readonly string[] = [process.execPath, BIN, 'start'],
): Promise<void> {
  const database = await createMigrated()
  const folder = await mkdtemp(join(tmpdir(), 'task_api-log-'))
  let started: Started | undefined
  try {
    // Another program may have taken the port meanwhile.
    for (let tries = 0; !started && tries < 3; tries += 1)
      started = await tryStart(output, program, folder, database.url)
    if (!started) throw new Error('the node ended before it was ready')
    await run(started)
  } finally {
    if (started && isRunning(started.child)) {
      started.child.kill('SIGKILL')
      await once(started.child, 'exit')
    }
    await rm(folder, { recursive: true, force: true })
    await database.drop()
  }
}

const isRunning = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode === null && signalCode === null

async function tryStart(
  output: readonly [stdout: Output, stderr: Output],
  [command = '', ...args]: readonly string[],
  cwd: string,
  databaseUrl: string,
): Promise<Started | undefined> {
  const port = await freePort()
  const { PATH = '', HOME = '' } = process.env
  const env = { PATH, HOME, SHELL: '/bin/sh', PORT: String(port), DATABASE_URL: databaseUrl }
  const child = endsWithUs(spawn(command, args, { cwd, env, stdio: ['pipe', ...output] }))
  const url = `http://127.0.0.1:${port}`
  return eventually(async () => {
    if (!isRunning(child)) return undefined
    expect((await fetch(`${url}/readyz`)).status).to.equal(200)
    return { child, url }
  }, 60_000)
}

/** Runs tasks that are logged. */
async function runTasks(url: string, count: number): Promise<void> {
  let left = count
  const lane = async (): Promise<void> => {
    while (left-- > 0) await post(url, 'fail', '{}', 'demo')
  }
  await Promise.all(Array.from({ length: 16 }, lane))
  await eventually(async () => {
    const failed: unknown = await (await fetch(`${url}/tasks?status=failed&limit=1000`)).json()
    expect(failed).to.have.length(count)
  }, 60_000)
}

async function stops({ child }: Started): Promise<void> {
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  expect(await exited).to.deep.equal([0, null])
}

async function onFullDisk(): Promise<void> {
  const full = openSync('/dev/full', 'w')
  try {
    await starting([full, full], async (started) => {
      await runTasks(started.url, 20)
      await stops(started)
    })
  } finally {
    closeSync(full)
  }
}

/** Its reader begins to read when the tasks have run: every line is there. */
const beforeStoppedSocket = (): Promise<void> =>
  starting(['pipe', 'pipe'], async (started) => {
    await runTasks(started.url, TASKS)
    const { stdout } = started.child
    if (!stdout) throw new Error('no stdout')
    const messages: unknown[] = []
    createInterface({ input: stdout }).on('line', (text) => messages.push((JSON.parse(text) as { msg: string }).msg))
    await eventually(() => expect(messages.filter((msg) => msg === 'task failed')).to.have.length(TASKS), 60_000)
    await stops(started)
    expect(messages.at(-1)).to.equal('stopped')
  })

async function beforeStoppedPipe(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'task_api-pipe-'))
  execFileSync('mkfifo', [join(folder, 'pipe')])
  const pipe = openSync(join(folder, 'pipe'), constants.O_RDWR)
  try {
    // stderr as well: one program often reads both.
    await starting([pipe, pipe], async (started) => {
      await runTasks(started.url, TASKS)
      await stops(started)
    })
  } finally {
    closeSync(pipe)
    await rm(folder, { recursive: true })
  }
}

const withoutReader = (): Promise<void> =>
  starting(['pipe', 'pipe'], async (started) => {
    started.child.stdout?.destroy()
    started.child.stderr?.destroy()
    await runTasks(started.url, 20)
    await stops(started)
  })

/** Ctrl-S stops a terminal. */
const onStoppedTerminal = (): Promise<void> =>
  starting(
    ['pipe', 'pipe'],
    async ({ child, url }) => {
      let shown = ''
      child.stdout?.on('data', (chunk: Buffer) => (shown += chunk.toString()))
      await eventually(() => expect(shown).to.include('listening'))
      child.stdin?.write('\x13')
      await runTasks(url, TASKS)
      expect(shown.split('task failed').length).to.be.below(TASKS)
      child.stdin?.write('\x11')
      await eventually(() => expect(shown.split('task failed')).to.have.length(TASKS + 1), 60_000)
      const exited = once(child, 'exit')
      child.stdin?.write('\x03')
      expect(await exited).to.deep.equal([0, null])
      expect(shown).to.match(/ stopped\r\n$/)
    },
    ['script', '-qefc', `exec '${process.execPath}' '${BIN}' start`, '/dev/null'],
  )

const TALKER = `
  const { makeLog } = await import(${JSON.stringify(new URL('../../src/telemetry/log.js', import.meta.url).href)})
  const log = makeLog('warn', { node: 'n' })
  const talk = (count) => {
    for (let i = 0; i < count; i += 1) log.event('requests_cut_off', { tasks: i })
  }
  talk(20_000)
  process.stdin.once('data', () => {
    talk(20_000)
    log.event('start_failed', {})
    process.stdin.once('data', () => {
      talk(4_000)
      log.event('node_crashed', {})
      process.exit(3)
    })
  })
  process.stderr.write('said')
`

/** More than memory is given to it: the rest is dropped, counted, and told when the reader reads again. */
async function droppedAndTold(): Promise<void> {
  const child = endsWithUs(spawn(process.execPath, ['--input-type=module', '-e', TALKER], { stdio: 'pipe' }))
  try {
    await judgeTalker(child)
  } finally {
    child.kill('SIGKILL')
  }
}

async function judgeTalker(child: ChildProcessWithoutNullStreams): Promise<void> {
  const exited = once(child, 'exit')
  await once(child.stderr, 'data')
  const lines: { level: number; tasks?: number; event: string; dropped?: number }[] = []
  createInterface({ input: child.stdout }).on('line', (text) => lines.push(JSON.parse(text) as (typeof lines)[number]))
  await eventually(() => expect(lines.at(-1)?.event).to.equal('log_lines_dropped'))
  const kept = lines.splice(0)
  const notice = kept.pop()
  expect(kept.map(({ tasks }) => tasks)).to.deep.equal(kept.map((_, i) => i))
  expect(notice).to.include({ level: 50, dropped: 20_000 - kept.length })

  child.stdin.write('go on')
  await eventually(() => expect(lines.some(({ event }) => event === 'start_failed')).to.equal(true))
  await eventually(() => expect(lines.at(-1)?.event).to.be.oneOf(['log_lines_dropped', 'start_failed']))
  lines.splice(0)

  child.stdin.write('end')
  expect(await exited).to.deep.equal([3, null])
  await eventually(() => expect(lines.at(-1)).to.include({ level: 60, event: 'node_crashed' }))
  expect(lines).to.have.length(4_001)
}

if (process.platform === 'linux')
  describe('a node whose log is not taken', () => {
    together(
      {
        'starts, serves and stops while its disk is full': onFullDisk,
        'serves on while the reader of its socket has stopped, which gets every line later': beforeStoppedSocket,
        'serves on while the reader of its pipe has stopped, and stops without it': beforeStoppedPipe,
        'says how many lines were dropped, and what is left when it ends': droppedAndTold,
        'serves on when its reader is gone': withoutReader,
        ...(existsSync('/usr/bin/script') ? { 'serves on while its terminal is stopped': onStoppedTerminal } : {}),
      },
      120_000,
    )
  })
