import { expect } from 'chai'
import { StoreError, type Trouble, sqlState, troubleOf } from '../../../src/store/trouble.ts'

/** An error as pg makes it from what Postgres says. */
const said = (code: string): Error => Object.assign(new Error('no'), { severity: 'ERROR', code })

describe('the trouble of an error', () => {
  const expected: Readonly<Record<Trouble, Readonly<Record<string, string>>>> = {
    unsent: {
      '57P03': 'Postgres starts up or recovers',
      '57P04': 'the database was dropped',
      '57P05': 'the session was idle for too long',
      '53100': 'the disk is full',
      '53200': 'there is no memory',
      '53300': 'there are too many connections',
      '25006': 'this is a read-only standby',
      '25P02': 'the transaction has failed before',
      '25P03': 'the transaction was idle for too long',
      '28P01': 'the password is wrong',
      '28000': 'the account is not let in',
      '3D000': 'there is no such database',
    },
    conflict: {
      '40001': 'a serialization failed',
      '40P01': 'a deadlock was found',
      '55P03': 'a lock could not be had',
      '57014': 'the statement was cancelled',
    },
    unknown: {
      '57P01': 'an administrator ended the session',
      '57P02': 'Postgres has crashed',
      '08006': 'the connection failed',
      '08P01': 'the protocol was broken',
    },
    bad: {
      '22P02': 'a text is no number',
      '22P05': 'a character cannot be stored',
      '22003': 'a number is out of range',
      '23505': 'a key is there twice',
      '23514': 'a check does not hold',
      '54000': 'a limit of Postgres is passed',
    },
    defect: {
      '42601': 'the SQL is wrong',
      '42P01': 'there is no such table',
      '42501': 'the account may not do this',
      XX000: 'Postgres has a defect',
      '58030': 'a file could not be read',
      '0A000': 'Postgres cannot do this',
    },
  }
  for (const [trouble, codes] of Object.entries(expected))
    for (const [code, why] of Object.entries(codes))
      it(`${code} (${why}) is ${trouble}`, () => expect(troubleOf(said(code))).to.equal(trouble))

  for (const [name, error] of [
    ['a connection that broke', new Error('Connection terminated unexpectedly')],
    ["an error of Node's own", Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', errno: -104 })],
    ['a code of Node that looks like a SQLSTATE', Object.assign(new Error('EPIPE'), { code: 'EPIPE' })],
    ['a time limit of our own', new Error('Query read timeout')],
    ['a code that is no text', Object.assign(new Error('no'), { severity: 'ERROR', code: 23505 })],
    ['nothing at all', undefined],
    ['null', null],
    ['a text', '23505'],
  ] as const)
    it(`${name} is unknown: it may have been applied`, () => {
      expect(sqlState(error)).to.equal(undefined)
      expect(troubleOf(error)).to.equal('unknown')
    })
})

describe('a store error', () => {
  it('keeps what it came from', () => {
    const cause = said('23505')
    const error = new StoreError('bad', cause)
    expect(error).to.include({ name: 'StoreError', trouble: 'bad', message: 'no', cause })
    expect(new StoreError('unsent', 'closed').message).to.equal('closed')
  })
})
