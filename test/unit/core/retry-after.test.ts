import { expect } from 'chai'
import * as fc from 'fast-check'
import { MAX_RETRY_AFTER, dateOf, retryAfter } from '../../../src/core/retry-after.ts'

const NOW = Date.UTC(1994, 10, 6, 8, 49, 7)

type Header = string | readonly string[] | undefined

/** What servers send as `Retry-After`, and the wait that it asks for, ms; undefined: it makes no sense, and counts as absent. */
const FORMS: readonly (readonly [name: string, header: Header, wait: number | undefined])[] = [
  ['seconds', '3', 3_000],
  ['no second', '0', 0],
  ['seconds among spaces', ' 120 ', 120_000],
  ['seconds with a fraction', '120.5', 120_500],
  ['a whole number as a float', '2.0', 2_000],
  ['less than a second', '.25', 250],
  ['a point at the end', '3.', 3_000],
  ['leading zeros', '007', 7_000],
  ['seconds with a unit', '3s', 3_000],
  ['seconds with a word', '3 seconds', 3_000],
  ['a day', '86400', MAX_RETRY_AFTER],
  ['more than a day', '86401', MAX_RETRY_AFTER],
  ['the largest number of 32 bits', '2147483647', MAX_RETRY_AFTER],
  ['400 digits', '9'.repeat(400), MAX_RETRY_AFTER],
  ['the first form of RFC 9110', 'Sun, 06 Nov 1994 08:49:37 GMT', 30_000],
  ['the second form of RFC 9110', 'Sunday, 06-Nov-94 08:49:37 GMT', 30_000],
  ['the third form of RFC 9110', 'Sun Nov  6 08:49:37 1994', 30_000],
  ['this moment', 'Sun, 06 Nov 1994 08:49:07 GMT', 0],
  ['a date in the past', 'Sat, 05 Nov 1994 08:49:37 GMT', 0],
  ['a date more than a day ahead', 'Mon, 07 Nov 1994 08:49:08 GMT', MAX_RETRY_AFTER],
  ['a date a century ahead', 'Fri, 06 Nov 2099 08:49:37 GMT', MAX_RETRY_AFTER],
  ['a date without a zone', 'Sun, 06 Nov 1994 08:49:37', 30_000],
  ['a date in UTC by name', 'Sun, 06 Nov 1994 08:49:37 UTC', 30_000],
  ['a date of e-mail', 'Sun, 06 Nov 1994 09:49:37 +0100', 30_000],
  ['a date of e-mail in UTC', 'Sun, 6 Nov 1994 08:49:37 -0000', 30_000],
  ['a date of a cookie', 'Sun, 06-Nov-1994 08:49:37 GMT', 30_000],
  ['a date in small letters', 'sun, 06 nov 1994 08:49:37 gmt', 30_000],
  ['a date without the day of the week', '06 Nov 1994 08:49:37 GMT', 30_000],
  ['a date of JavaScript', 'Sun Nov 06 1994 09:49:37 GMT+0100 (Central European Standard Time)', 30_000],
  ['a day', 'Mon Nov 07 1994', Date.UTC(1994, 10, 7) - NOW],
  ['a day that has passed', 'Fri Dec 31 1993', 0],
  ['RFC 3339', '1994-11-06T08:49:37Z', 30_000],
  ['RFC 3339 with a zone and a fraction', '1994-11-06T09:49:37.500+01:00', 30_500],
  ['ISO 8601 without a zone', '1994-11-06T08:49:37', 30_000],
  ['a date of SQL', '1994-11-06 08:49:37', 30_000],
  ['several fields: the longest', ['3', '7', '5'], 7_000],
  ['several fields, one without sense', ['soon', '7'], 7_000],
  ['a number and a date', ['3', 'Sun, 06 Nov 1994 08:49:37 GMT'], 30_000],
  ['several fields that a proxy has joined', '3, 7,5', 7_000],
  ['no field', undefined, undefined],
  ['no value', [], undefined],
  ...['', ' ', '-1', '-120.5', '+1', '1e3', '0x10', '1.2.3', '3m', '3 4', '٣', 'NaN', 'Infinity', 'null', 'soon'].map(
    (text) => ['no sense', text, undefined] as const,
  ),
  ...['Soon 1', 'May 5', 'Sun, 06 Foo 1994 08:49:37 GMT', 'Sun, 06 Nov 1994 25:49:37 GMT', '1994-13-06'].map(
    (text) => ['no date', text, undefined] as const,
  ),
]

describe('Retry-After', () => {
  for (const [name, header, wait] of FORMS)
    it(`${name}: ${(JSON.stringify(header) ?? 'none').slice(0, 60)} is ${wait ?? 'no wait'}`, () =>
      expect(retryAfter(header, NOW)).to.equal(wait))

  it('may be a time since 1970, in seconds or milliseconds, where it would be a wait of 31 years', () => {
    const now = Date.UTC(2026, 0, 1)
    expect(retryAfter(String(now / 1000 + 30), now)).to.equal(30_000)
    expect(retryAfter(String(now + 30_000), now)).to.equal(30_000)
    expect(retryAfter(String(now / 1000 - 30), now)).to.equal(0)
  })

  it('is in UTC where it names no zone, wherever the node runs', () => {
    const { TZ } = process.env
    process.env['TZ'] = 'Asia/Tokyo'
    try {
      expect(new Date(NOW).getTimezoneOffset()).to.equal(-540)
      for (const [name, header, wait] of FORMS) expect(retryAfter(header, NOW), name).to.equal(wait)
    } finally {
      if (TZ === undefined) delete process.env['TZ']
      else process.env['TZ'] = TZ
    }
  })

  it('never throws, and asks for 0 to 24 h', () => {
    const text = fc.oneof(
      fc.string(),
      fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
      fc.date({ noInvalidDate: true }).map(String),
      fc.double().map(String),
    )
    fc.assert(
      fc.property(fc.oneof(text, fc.array(text)), fc.integer({ min: 0, max: 4e12 }), (header, at) => {
        const wait = retryAfter(header, at)
        if (wait !== undefined) expect(wait).to.be.within(0, MAX_RETRY_AFTER)
      }),
    )
  })
})

describe('the date of an answer', () => {
  it('is what `Date` says, and none where that says nothing', () => {
    expect(dateOf('Sun, 06 Nov 1994 08:49:07 GMT')).to.equal(NOW)
    for (const text of [undefined, '', 'now', '0', '-1', '784111747']) expect(dateOf(text), text).to.equal(undefined)
  })
})
