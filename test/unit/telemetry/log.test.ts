import { expect } from 'chai'
import { type EventName, EVENTS } from '../../../src/telemetry/events.ts'
import { logTo, makeLog, readableLine, silentLog } from '../../../src/telemetry/log.ts'

const NAMES = Object.keys(EVENTS) as EventName[]

describe('a readable line of the log', () => {
  const line = (more: object): string =>
    readableLine(JSON.stringify({ level: 30, time: '2026-01-02T03:04:05.678Z', ...more }))

  it('has the time of day and the message', () => {
    expect(line({ msg: 'listening' })).to.equal('03:04:05.678 listening\n')
  })

  it('has the rest as pairs: texts as they are, all else as JSON', () => {
    expect(line({ msg: 'listening', url: 'http://a/', n: 3, list: [1], none: null, err: { type: 'Error' } })).to.equal(
      '03:04:05.678 listening  url=http://a/  n=3  list=[1]  none=null  err={"type":"Error"}\n',
    )
  })

  for (const [level, word] of [
    [10, 'trace '],
    [20, 'debug '],
    [30, ''],
    [35, ''],
    [40, 'warn '],
    [50, 'error '],
    [60, 'fatal '],
  ] as const)
    it(`begins with ${word === '' ? 'no word' : word} at level ${level}`, () => {
      expect(line({ level, msg: 'so' })).to.equal(`03:04:05.678 ${word}so\n`)
    })

  it('leaves out the id of the node, as a terminal shows one node, and the name of the event', () => {
    expect(line({ msg: 'so', event: 'so_it_is', node: 'n', n: 1 })).to.equal('03:04:05.678 so  n=1\n')
  })

  it('needs no message', () => {
    expect(line({ n: 1 })).to.equal('03:04:05.678   n=1\n')
  })
})

describe('the silent log', () => {
  it('hears no event', () => {
    for (const name of NAMES) expect(silentLog().hears(name)).to.equal(false)
  })
})

describe('the log', () => {
  const open = (level: string) => {
    const lines: unknown[] = []
    return { lines, log: makeLog(level, { node: 'n' }, (line) => lines.push(JSON.parse(line))) }
  }

  it('writes an event as a line: level, time, name, node, fields and text', () => {
    const { log, lines } = open('info')
    log.event('open_files_low', { limit: 1, needed: 2 })
    const { time, ...rest } = lines[0] as Record<string, unknown>
    expect(new Date(String(time)).toISOString()).to.equal(time)
    const { text: msg } = EVENTS.open_files_low
    expect(rest).to.deep.equal({ level: 40, event: 'open_files_low', node: 'n', limit: 1, needed: 2, msg })
  })

  it('writes an event without fields, and leaves out a field without a value', () => {
    const { log, lines } = open('info')
    log.event('stopped')
    log.event('claim_gone', { task: '1', service: 'svc', report: undefined })
    expect(lines.map((line) => Object.keys(line as object))).to.deep.equal([
      ['level', 'time', 'event', 'node', 'msg'],
      ['level', 'time', 'event', 'node', 'task', 'service', 'msg'],
    ])
  })

  it('writes an error with its stack', () => {
    const { log, lines } = open('info')
    log.event('start_failed', { err: new Error('why') })
    expect(lines[0]).to.have.property('err').that.includes({ type: 'Error', message: 'why' }).and.has.property('stack')
  })

  it('hears the events of its level and above, and writes no other', () => {
    for (const [level, heard] of [
      ['trace', ['debug', 'info', 'warn', 'error', 'fatal']],
      ['info', ['info', 'warn', 'error', 'fatal']],
      ['error', ['error', 'fatal']],
      ['silent', []],
    ] as const) {
      const { log } = open(level)
      const levels = new Set(NAMES.filter((name) => log.hears(name)).map((name) => EVENTS[name].level))
      expect([...levels]).to.have.members(heard)
    }
    const { log, lines } = open('warn')
    log.event('stopped')
    expect(lines).to.deep.equal([])
  })
})

describe('the subscribers of events', () => {
  it('each hear an event that they have a function for, in their order', () => {
    const heard: unknown[] = []
    const log = logTo(
      { stopping: ({ signal }) => heard.push(['first', signal]) },
      { stopped: () => heard.push(['second']), stopping: ({ signal }) => heard.push(['second', signal]) },
    )
    log.event('stopping', { signal: 'SIGTERM' })
    log.event('stopped')
    log.event('postgres_back')
    expect(heard).to.deep.equal([['first', 'SIGTERM'], ['second', 'SIGTERM'], ['second']])
    expect(log.hears('stopped')).to.equal(true)
    expect(log.hears('postgres_back')).to.equal(false)
  })
})

describe('a call that names an event', () => {
  it('is not compiled where the event, a field or its type is not that of the table', () => {
    const log = silentLog()
    // @ts-expect-error No such event.
    log.event('nothing')
    // @ts-expect-error A field is missing.
    log.event('open_files_low', { limit: 1 })
    // @ts-expect-error A field has another type.
    log.event('open_files_low', { limit: 1, needed: '2' })
    // @ts-expect-error A field too many.
    log.event('stopping', { signal: 'SIGTERM', tasks: 1 })
    // @ts-expect-error All fields are missing.
    log.event('stopping')
    // @ts-expect-error It has no fields.
    log.event('stopped', { tasks: 1 })
  })
})
