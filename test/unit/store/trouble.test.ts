import { expect } from 'chai'
import {
  type Blame,
  StoreError,
  type Trouble,
  VERDICTS,
  blameOf,
  refuses,
  sqlState,
  troubleOf,
} from '../../../src/store/trouble.ts'

/** An error as pg makes it from what Postgres says. */
const said = (code: string): Error => Object.assign(new Error('no'), { severity: 'ERROR', code })

describe('the trouble of an error', () => {
  const expected: readonly (readonly [string, string, Trouble, Blame, 'refuses'?])[] = [
    ['08000', 'the connection failed', 'unknown', 'connection'],
    ['08003', 'there is no such connection', 'unknown', 'connection'],
    ['08006', 'the connection broke', 'unknown', 'connection'],
    ['08P01', 'the protocol was broken, or a pooler says something of its own', 'unknown', 'connection'],
    ['0A000', 'Postgres cannot do this', 'defect', 'statement'],
    ['22P02', 'a text is no number', 'bad', 'statement'],
    ['22P05', 'a character cannot be stored', 'bad', 'statement'],
    ['22003', 'a number is out of range', 'bad', 'statement'],
    ['23505', 'a key is there twice', 'bad', 'statement'],
    ['23514', 'a check does not hold', 'bad', 'statement'],
    ['25006', 'this server is read-only', 'unsent', 'server', 'refuses'],
    ['25P02', 'the transaction has failed before', 'unsent', 'connection'],
    ['25P03', 'the transaction was idle for too long', 'unsent', 'connection'],
    ['25P04', 'the transaction took too long', 'unsent', 'connection'],
    ['26000', 'there is no such prepared statement', 'defect', 'statement'],
    ['28000', 'the account is not let in', 'unsent', 'connection'],
    ['28P01', 'the password is wrong', 'unsent', 'connection'],
    ['3D000', 'there is no such database', 'unsent', 'connection'],
    ['40001', 'a serialization failed', 'conflict', 'statement'],
    ['40003', 'whether the statement was completed is unknown', 'unknown', 'connection'],
    ['40P01', 'a deadlock was found', 'conflict', 'statement'],
    ['42501', 'the account may not do this', 'defect', 'statement'],
    ['42601', 'the SQL is wrong', 'defect', 'statement'],
    ['42P01', 'there is no such table', 'defect', 'statement'],
    ['53000', 'something is used up', 'unsent', 'connection', 'refuses'],
    ['53100', 'the disk is full', 'unsent', 'connection', 'refuses'],
    ['53200', 'there is no memory', 'unsent', 'connection', 'refuses'],
    ['53300', 'there are too many connections', 'unsent', 'connection', 'refuses'],
    ['54000', 'a limit of Postgres is passed', 'bad', 'statement'],
    ['55P03', 'a lock could not be had', 'unsent', 'statement', 'refuses'],
    ['57014', 'the statement was cancelled', 'unsent', 'statement', 'refuses'],
    ['57P01', 'an administrator ended the session', 'unknown', 'connection'],
    ['57P02', 'Postgres has crashed', 'unknown', 'connection'],
    ['57P03', 'Postgres starts up or recovers', 'unsent', 'connection'],
    ['57P04', 'the database was dropped', 'unsent', 'connection'],
    ['57P05', 'the session was idle for too long', 'unsent', 'connection'],
    ['58030', 'a file could not be read', 'defect', 'connection'],
    ['XX000', 'Postgres has a defect', 'defect', 'connection'],
    ['XX001', 'a page of a table is corrupted', 'defect', 'connection'],
  ]
  for (const [code, why, trouble, blame, refused] of expected)
    it(`${code} (${why}) is ${trouble}, and about the ${blame}`, () => {
      const error = said(code)
      expect([troubleOf(error), blameOf(error), refuses(error)]).to.deep.equal([trouble, blame, refused !== undefined])
    })

  it('is decided here for every row of the table', () => {
    const decided = expected.flatMap(([code]) => [code, code.slice(0, 2)])
    expect(decided).to.include.members(Object.keys(VERDICTS))
  })

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
      expect([troubleOf(error), blameOf(error), refuses(error)]).to.deep.equal(['unknown', 'connection', false])
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
