// GET /caller: what a key may do, as its holder is told.
import { expect } from 'chai'
import { aKey, as } from '../../support/keys.ts'
import { codeOf, openApi } from './support.ts'

const ALL = ['submit', 'read', 'cancel', 'operate']

describe('GET /caller', () => {
  it('says without keys that everybody may do everything', async () => {
    await using open = await openApi()
    const anybody = { name: null, scopes: ALL, services: null, own: false, version: '0.0.0' }
    expect(await (await open.request('/caller')).json()).to.deep.equal(anybody)
    expect(await (await open.request('/caller', { headers: as('nobody') })).json()).to.deep.equal(anybody)
    expect(await codeOf(await open.request('/caller?x=1'))).to.equal('invalid_parameter')
  })

  it('says what the key of the request may do, and no more of it', async () => {
    await using open = await openApi()
    const { callers } = open.backstage
    callers.set('ops', aKey('ops'))
    callers.set('shop', aKey('shop', { scopes: ['submit', 'read'], services: ['billing'], own: true, quota: { waiting: 1 } })) // prettier-ignore
    const told = async (name: string): Promise<unknown> => (await open.request('/caller', { headers: as(name) })).json()
    expect(await told('ops')).to.deep.equal({ name: 'ops', scopes: ALL, services: null, own: false, version: '0.0.0' })
    expect(await told('shop')).to.deep.equal({
      name: 'shop',
      scopes: ['submit', 'read'],
      services: ['billing'],
      own: true,
      version: '0.0.0',
    })
  })
})
