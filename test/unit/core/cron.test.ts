// The times of a cron expression: where clocks change, where the month or the year ends, and which expressions there are.
import { expect } from 'chai'
import { isCron, MAX_CRON, timesAfter, zoneOf } from '../../../src/core/cron.ts'

const timesOf = (cron: string, timezone: string, after: string, count: number): string[] =>
  timesAfter({ cron, timezone }, Date.parse(after), count).map((time) =>
    new Date(time).toISOString().replace(':00.000Z', 'Z'),
  )

/**
 * What the times have, the zone, the expression, the time before, and the times that follow, all UTC. They are written by hand from the
 * changes of each zone.
 */
const TABLE = `
  # 2027-03-28 at 2:00 it is 3:00, an offset of 1 h becomes 2 h.
  a skipped time when the gap ends | Europe/Berlin | 30 2 * * * | 2027-03-27T12:00Z | 2027-03-28T01:00Z 2027-03-29T00:30Z
  the beginning of the gap when it ends | Europe/Berlin | 0 2 * * * | 2027-03-27T12:00Z | 2027-03-28T01:00Z 2027-03-29T00:00Z
  two skipped times once | Europe/Berlin | 15,45 2 * * * | 2027-03-27T12:00Z | 2027-03-28T01:00Z 2027-03-29T00:15Z 2027-03-29T00:45Z
  the skipped one of a list | Europe/Berlin | 30 1,2 * * * | 2027-03-27T12:00Z | 2027-03-28T00:30Z 2027-03-28T01:00Z 2027-03-28T23:30Z
  what meets a skipped one once | Europe/Berlin | 0 2-3 * * * | 2027-03-27T12:00Z | 2027-03-28T01:00Z 2027-03-29T00:00Z 2027-03-29T01:00Z
  steps over a gap by real time | Europe/Berlin | */20 * * * * | 2027-03-28T00:30Z | 2027-03-28T00:40Z 2027-03-28T01:00Z 2027-03-28T01:20Z
  each hour over a gap by real time | Europe/Berlin | 30 * * * * | 2027-03-28T00:00Z | 2027-03-28T00:30Z 2027-03-28T01:30Z 2027-03-28T02:30Z
  each second over a gap | Europe/Berlin | * * * * * * | 2027-03-28T00:59:58Z | 2027-03-28T00:59:59.000Z 2027-03-28T01:00Z 2027-03-28T01:00:01.000Z
  # 2026-10-25 at 3:00 it is 2:00, an offset of 2 h becomes 1 h.
  a time that comes twice once, the first | Europe/Berlin | 30 2 * * * | 2026-10-24T12:00Z | 2026-10-25T00:30Z 2026-10-26T01:30Z
  one of a list that comes twice once | Europe/Berlin | 30 1,2 * * * | 2026-10-24T22:00Z | 2026-10-24T23:30Z 2026-10-25T00:30Z 2026-10-26T00:30Z
  steps over a repeated hour by real time | Europe/Berlin | */30 * * * * | 2026-10-25T00:00Z | 2026-10-25T00:30Z 2026-10-25T01:00Z 2026-10-25T01:30Z 2026-10-25T02:00Z
  nothing twice, asked within the first of two | Europe/Berlin | 30 2 * * * | 2026-10-25T00:45Z | 2026-10-26T01:30Z
  # 2027-03-14 at 2:00 it is 3:00; 2026-11-01 at 2:00 it is 1:00.
  a skipped time when the gap ends | America/New_York | 30 2 * * * | 2027-03-13T12:00Z | 2027-03-14T07:00Z 2027-03-15T06:30Z
  a time that comes twice once, the first | America/New_York | 30 1 * * * | 2026-10-31T12:00Z | 2026-11-01T05:30Z 2026-11-02T06:30Z
  steps over a repeated hour by real time | America/New_York | */30 * * * * | 2026-11-01T05:00Z | 2026-11-01T05:30Z 2026-11-01T06:00Z 2026-11-01T06:30Z 2026-11-01T07:00Z
  midnight on a day of 23 hours | America/New_York | 0 0 * * * | 2027-03-13T12:00Z | 2027-03-14T05:00Z 2027-03-15T04:00Z
  # 2026-10-04 at 2:00 it is 2:30, 10:30 becomes 11 h; 2027-04-04 at 2:00 it is 1:30.
  a skipped time when the half hour ends | Australia/Lord_Howe | 15 2 * * * | 2026-10-03T00:00Z | 2026-10-03T15:30Z 2026-10-04T15:15Z
  the end of the gap once | Australia/Lord_Howe | 15,30 2 * * * | 2026-10-03T00:00Z | 2026-10-03T15:30Z 2026-10-04T15:15Z 2026-10-04T15:30Z
  a time that comes twice once, the first | Australia/Lord_Howe | 45 1 * * * | 2027-04-03T00:00Z | 2027-04-03T14:45Z 2027-04-04T15:15Z
  steps over a repeated half hour by real time | Australia/Lord_Howe | */15 * * * * | 2027-04-03T14:40Z | 2027-04-03T14:45Z 2027-04-03T15:00Z 2027-04-03T15:15Z 2027-04-03T15:30Z
  # No change, and an offset of 5:30.
  the same time each day | Asia/Kolkata | 30 2 * * * | 2027-03-27T12:00Z | 2027-03-27T21:00Z 2027-03-28T21:00Z 2027-03-29T21:00Z
  steps on the hour of the zone | Asia/Kolkata | 0 * * * * | 2026-10-25T00:00Z | 2026-10-25T00:30Z 2026-10-25T01:30Z
  # Years, months, days.
  the next 29 February on a Monday | UTC | 0 0 29 2 +MON | 2026-01-01T00:00Z | 2044-02-29T00:00Z 2072-02-29T00:00Z
  the same across 2100, which is no leap year | UTC | 0 0 29 2 +SUN | 2076-03-01T00:00Z | 2088-02-29T00:00Z 2128-02-29T00:00Z
  the first of January in a zone that is a year behind | America/New_York | 0 22 31 12 * | 2027-01-01T01:00Z | 2027-01-01T03:00Z 2028-01-01T03:00Z
  the last day of a month | UTC | 0 0 L * * | 2027-02-01T00:00Z | 2027-02-28T00:00Z 2027-03-31T00:00Z
  a day of the month or of the week | UTC | 0 0 13 * FRI | 2027-01-01T00:00Z | 2027-01-08T00:00Z 2027-01-13T00:00Z 2027-01-15T00:00Z
  what comes after a time, not the time itself | UTC | 0 3 * * * | 2027-01-01T03:00Z | 2027-01-02T03:00Z
  a time within the second | UTC | * * * * * * | 2027-01-01T00:00:00.999Z | 2027-01-01T00:00:01.000Z`
  .split('\n')
  .filter((line) => line.includes('|'))
  .map(
    (line) => line.trim().split(' | ') as [what: string, timezone: string, cron: string, after: string, times: string],
  )

describe('the times of a cron expression', () => {
  for (const [what, timezone, cron, after, times] of TABLE)
    it(`have ${what}: ${cron} in ${timezone}`, () => {
      const expected = times.split(' ')
      const from = after.replace(/Z$/, after.length === 17 ? ':00Z' : 'Z')
      expect(timesOf(cron, timezone, from, expected.length)).to.deep.equal(expected)
    })

  it('go by a zone whatever the case of its name', () => {
    expect(timesOf('0 3 * * *', 'europe/BERLIN', '2027-01-01T00:00:00Z', 1)).to.deep.equal(['2027-01-01T02:00Z'])
  })

  for (const cron of ['0 0 30 2 *', '0 0 31 4,6,9,11 *', '0 0 1-6 * +MON#5,TUE#5,WED#5,THU#5,FRI#5,SAT#5,SUN#5'])
    it(`are none for ${cron}`, () => {
      expect(isCron(cron)).to.equal(true)
      expect(timesOf(cron, 'Europe/Berlin', '2027-01-01T00:00:00Z', 5)).to.deep.equal([])
    })

  it('cannot be read in a zone that is none', () => {
    expect(() => timesAfter({ cron: '0 3 * * *', timezone: 'Nowhere' }, 0, 1)).to.throw(RangeError)
  })
})

describe('a cron expression', () => {
  for (const cron of [
    '* * * * *',
    '* * * * * *',
    '*/5 0-12/2 1,15 JAN-MAR mon',
    '0\t3 * *  7',
    '0 0 LW * ?',
    '0 0 15W * 5#2',
    '0 0 * * 5L',
  ])
    it(`may be ${JSON.stringify(cron)}`, () => expect(isCron(cron)).to.equal(true))

  // prettier-ignore
  for (const cron of ['', '* * * *', '0 0 3 * * * 2027', '@daily', '@hourly', '2027-01-01T00:00:00', '2027-01-01 00:00:00 * * *', '60 * * * *', '* 24 * * *', '* * 0 * *',
    '* * * 13 *', '* * * * 8', '*/0 * * * *', '*/61 * * * *', '5-1 * * * *', 'a * * * *', '1, * * * *', ' 0 3 * * *', '0 3 * * * ', '0 3 * * *\n', '0 3\n* * *', '0 3 * * MON\0', '٣ 3 * * *'])
    it(`cannot be ${JSON.stringify(cron)}`, () => expect(isCron(cron)).to.equal(false))

  it(`is at most ${MAX_CRON} characters`, () => {
    const minutes = Array.from({ length: 400 }, () => '1').join(',')
    expect([isCron(`${minutes} * * * *`), isCron(`${minutes},${minutes} * * * *`)]).to.deep.equal([true, false])
  })
})

describe('a time zone', () => {
  for (const zone of ['UTC', 'Europe/Berlin', 'Asia/Kolkata', 'America/Argentina/Buenos_Aires', 'Etc/GMT+5'])
    it(`may be ${zone}`, () => expect(zoneOf(zone)).to.be.a('string'))

  for (const zone of ['', 'Nowhere', 'Europe/Berlin ', '+05:30', 'Europe/Atlantis', 'a'.repeat(100), '../etc/passwd'])
    it(`cannot be ${JSON.stringify(zone)}`, () => expect(zoneOf(zone)).to.equal(undefined))
})
