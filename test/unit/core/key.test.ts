// Keys: whose token it is, and what its caller may do.
import { expect } from 'chai'
import { ANYBODY, boundsOf, type Caller, hashOf, type Key, keyOf, mayDo } from '../../../src/core/key.ts'

const NOW = Date.UTC(2027, 0, 1)

const keyWith = (members: Partial<Key>): Key => ({
  name: 'app',
  hashes: [hashOf('tk_app')],
  scopes: ['submit'],
  services: undefined,
  own: false,
  expires: undefined,
  ...members,
})

const callerWith = (members: Partial<Key>): Caller => ({ name: 'app', key: keyWith(members) })

describe('a key', () => {
  it('belongs to each of its tokens, and to no other', () => {
    const key = keyWith({ hashes: [hashOf('tk_old'), hashOf('tk_new')] })
    const keys = new Map([
      ['other', keyWith({ name: 'other' })],
      ['app', key],
    ])
    expect(keyOf(keys, 'tk_old', NOW)).to.equal(key)
    expect(keyOf(keys, 'tk_new', NOW)).to.equal(key)
    for (const token of ['', 'tk_', 'tk_ne', 'tk_new ', 'TK_NEW', hashOf('tk_new')])
      expect(keyOf(keys, token, NOW), token).to.equal(undefined)
  })

  it('counts until it expires, and no longer', () => {
    const keys = new Map([['app', keyWith({ expires: NOW })]])
    expect(keyOf(keys, 'tk_app', NOW - 1)?.name).to.equal('app')
    expect(keyOf(keys, 'tk_app', NOW)).to.equal(undefined)
  })

  it('has a hash as sha256sum prints it', () => {
    expect(hashOf('tk_')).to.match(/^[0-9a-f]{64}$/)
    expect(hashOf('abc')).to.equal('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  })

  it('allows its scopes, at its services', () => {
    const caller = callerWith({ scopes: ['submit', 'read'], services: ['billing'] })
    expect(mayDo(caller, 'submit')).to.equal(true)
    expect(mayDo(caller, 'submit', 'billing')).to.equal(true)
    expect(mayDo(caller, 'submit', 'audit')).to.equal(false)
    expect(mayDo(caller, 'cancel')).to.equal(false)
    expect(mayDo(caller, 'cancel', 'billing')).to.equal(false)
    expect(mayDo(callerWith({}), 'submit', 'audit')).to.equal(true)
  })

  it('allows everything where there are no keys', () => {
    expect(mayDo(ANYBODY, 'operate', 'billing')).to.equal(true)
    expect(boundsOf(ANYBODY)).to.equal(undefined)
  })

  it('bounds its caller by name, by services, by both, or not at all', () => {
    expect(boundsOf(callerWith({}))).to.equal(undefined)
    expect(boundsOf(callerWith({ own: true }))).to.deep.equal({ caller: 'app' })
    expect(boundsOf(callerWith({ services: ['billing'] }))).to.deep.equal({ services: ['billing'] })
    expect(boundsOf(callerWith({ own: true, services: [] }))).to.deep.equal({ caller: 'app', services: [] })
  })
})
