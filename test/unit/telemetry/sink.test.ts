import { expect } from 'chai'
import { execFileSync } from 'node:child_process'
import {
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Sink } from '../../../src/telemetry/sink.ts'
import { eventually } from '../../support/eventually.ts'

const LIMIT = 16_384
const line = (i: number): string => `${String(i).padStart(99, '0')}\n`

describe('a sink', function () {
  let folder: string
  let pipe: number
  let told: number[]
  let sink: Sink
  // More than the pipe holds, and all the memory that the sink may use.
  const fill = (from = 0, to = 5_000): void => {
    for (let i = from; i < to; i += 1) sink.write(line(i))
  }
  const read = (bytes = 1 << 20): string => {
    const buffer = Buffer.alloc(bytes)
    try {
      return buffer.toString('latin1', 0, readSync(pipe, buffer))
    } catch {
      // Nothing is there.
      return ''
    }
  }

  before(function () {
    if (process.platform === 'win32') this.skip()
    folder = mkdtempSync(join(tmpdir(), 'task_api-sink-'))
    execFileSync('mkfifo', [join(folder, 'pipe')])
  })
  after(() => folder && rmSync(folder, { recursive: true }))
  beforeEach(() => {
    pipe = openSync(join(folder, 'pipe'), constants.O_RDWR | constants.O_NONBLOCK)
    told = []
    sink = new Sink(
      pipe,
      (dropped) => {
        told.push(dropped)
        sink.write(`${dropped} dropped\n`)
      },
      LIMIT,
    )
  })
  afterEach(() => {
    // A sink that still has something would write it to whoever gets the descriptor next.
    do sink.flush(0)
    while (read() !== '')
    closeSync(pipe)
  })

  it('writes a line before it returns', () => {
    sink.write('a line with ä\n')
    expect(Buffer.from(read(), 'latin1').toString()).to.equal('a line with ä\n')
  })

  it('keeps what a stopped reader does not take, drops what is over its limit, and says how much', async () => {
    fill()
    let all = read(LIMIT / 2)
    // There is room for it now, but not for those that were dropped before it.
    sink.flush(0)
    sink.write(line(5_000))
    await eventually(() => {
      all += read(LIMIT / 2)
      expect(all).to.match(/dropped\n$/)
    })
    const lines = all.split('\n').slice(0, -2)
    const [dropped] = told
    expect(lines).to.deep.equal(Array.from({ length: 5_001 - (dropped ?? 0) }, (_, i) => line(i).trim()))
    expect(told).to.have.length(1)
    expect(all).to.match(new RegExp(`\n${dropped} dropped\n$`))

    sink.write('and on\n')
    expect(read()).to.equal('and on\n')
  })

  it('loses nothing within its limit, and cuts no line in two', async () => {
    // Each takes 1,001 bytes: the pipe holds no whole number of them.
    const long = `${'ä'.repeat(500)}\n`
    const count = 67
    for (let i = 0; i < count; i += 1) sink.write(long)
    let all = ''
    await eventually(() => {
      all += read()
      expect(all.length).to.equal(count * 1_001)
    })
    expect(Buffer.from(all, 'latin1').toString()).to.equal(long.repeat(count))
    expect(told).to.deep.equal([])
  })

  it('keeps the last line of a process that ends, and flushes it', () => {
    fill()
    sink.write('the end\n', true)
    let all = ''
    for (let looks = 0; looks < 100 && !all.endsWith('dropped\n'); looks += 1) {
      all += read()
      sink.flush(0)
    }
    expect(all).to.match(/\nthe end\n\d+ dropped\n$/)
  })

  it('does not wait for a reader longer than it is told', () => {
    fill()
    const before = performance.now()
    sink.flush(50)
    expect(performance.now() - before).to.be.within(49, 5_000)
    expect(told).to.deep.equal([])
  })

  it('goes on where its disk was full as soon as there is room, and cuts no line in two', async function () {
    const disk = join(folder, 'disk')
    mkdirSync(disk)
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk], { stdio: 'ignore' })
    } catch {
      this.skip()
    }
    try {
      writeFileSync(join(disk, 'others'), Buffer.alloc(20_480))
      const log = join(disk, 'log')
      const file = openSync(log, 'a')
      const onDisk = new Sink(
        file,
        (dropped) => {
          told.push(dropped)
          onDisk.write(`${dropped} dropped\n`)
        },
        LIMIT,
      )
      for (let i = 0; i < 1_000; i += 1) onDisk.write(line(i))
      rmSync(join(disk, 'others'))
      const lines = await eventually(() => {
        const all = readFileSync(log, 'utf8')
        expect(all).to.match(/dropped\n$/)
        return all.split('\n').slice(0, -2)
      })
      expect(told).to.deep.equal([1_000 - lines.length])
      expect(lines).to.deep.equal(lines.map((_, i) => line(i).trim()))
      closeSync(file)
    } finally {
      execFileSync('umount', ['-l', disk])
    }
  })
})
