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
    ['0A000', 'Postgres cannot do this', 'bug', 'statement'],
    ['22P02', 'a text is no number', 'rejected', 'statement'],
    ['22P05', 'a character cannot be stored', 'rejected', 'statement'],
    ['22003', 'a number is out of range', 'rejected', 'statement'],
    ['23505', 'a key is there twice', 'rejected', 'statement'],
    ['23514', 'a check does not hold', 'rejected', 'statement'],
    ['25006', 'this server is read-only', 'notSent', 'server', 'refuses'],
    ['25P02', 'the transaction has failed before', 'notSent', 'connection'],
    ['25P03', 'the transaction was idle for too long', 'notSent', 'connection'],
    ['25P04', 'the transaction took too long', 'notSent', 'connection'],
    ['26000', 'there is no such prepared statement', 'bug', 'statement'],
    ['28000', 'the account is not let in', 'notSent', 'connection'],
    ['28P01', 'the password is wrong', 'notSent', 'connection'],
    ['3D000', 'there is no such database', 'notSent', 'connection'],
    ['40001', 'a serialization failed', 'conflict', 'statement'],
    ['40003', 'whether the statement was completed is unknown', 'unknown', 'connection'],
    ['40P01', 'a deadlock was found', 'conflict', 'statement'],
    ['42501', 'the account may not do this', 'bug', 'statement'],
    ['42601', 'the SQL is wrong', 'bug', 'statement'],
    ['42P01', 'there is no such table', 'bug', 'statement'],
    ['53000', 'something is used up', 'notSent', 'connection', 'refuses'],
    ['53100', 'the disk is full', 'notSent', 'connection', 'refuses'],
    ['53200', 'there is no memory', 'notSent', 'connection', 'refuses'],
    ['53300', 'there are too many connections', 'notSent', 'connection', 'refuses'],
    ['54000', 'a limit of Postgres is passed', 'rejected', 'statement'],
    ['55P03', 'a lock could not be had', 'notSent', 'statement', 'refuses'],
    ['57014', 'the statement was cancelled', 'notSent', 'statement', 'refuses'],
    ['57P01', 'an administrator ended the session', 'unknown', 'connection'],
    ['57P02', 'Postgres has crashed', 'unknown', 'connection'],
    ['57P03', 'Postgres starts up or recovers', 'notSent', 'connection'],
    ['57P04', 'the database was dropped', 'notSent', 'connection'],
    ['57P05', 'the session was idle for too long', 'notSent', 'connection'],
    ['58030', 'a file could not be read', 'bug', 'connection'],
    ['TA003', 'the synchronous standby has not confirmed a commit', 'unknown', 'server', 'refuses'],
    ['XX000', 'Postgres has a defect', 'bug', 'connection'],
    ['XX001', 'a page of a table is corrupted', 'bug', 'connection'],
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
      expect([troubleOf(error), blameOf(error), refuses(error)]).to.deep.equal(['unknown', 'server', false])
    })
})

describe('a store error', () => {
  it('keeps what it came from', () => {
    const cause = said('23505')
    const error = new StoreError('rejected', cause)
    expect(error).to.include({ name: 'StoreError', trouble: 'rejected', message: 'no', cause })
    expect(new StoreError('notSent', 'closed').message).to.equal('closed')
  })
})
