// Names of services and actions, and the address of an action, as tables.
import { expect } from 'chai'
import * as fc from 'fast-check'
import { isAction, SERVICE_NAME, urlOf } from '../../../src/core/service.ts'

describe('core/service', () => {
  const actions: [string, boolean][] = [
    ['echo', true],
    ['invoice.send', true],
    ['A-z_0.9~', true],
    ['...', true],
    ['.a', true],
    ['a'.repeat(200), true],
    ['a'.repeat(201), false],
    ['', false],
    ['.', false],
    ['..', false],
    ['../admin', false],
    ['a/b', false],
    ['a\\b', false],
    ['a?x', false],
    ['a#f', false],
    ['a b', false],
    ['a%2e', false],
    ['%2e%2e', false],
    ['a:b', false],
    ['a@b', false],
    ['é', false],
    ['ａ', false],
    ['a\n', false],
    ['a\u0000', false],
    ['{action}', false],
  ]
  for (const [text, verdict] of actions) {
    const shown = text.length > 20 ? `${text.length} characters` : JSON.stringify(text)
    it(`${verdict ? 'takes' : 'does not take'} ${shown} for an action`, () => {
      expect(isAction(text)).to.equal(verdict)
    })
  }

  const names: [string, boolean][] = [
    ['billing', true],
    ['A.b_c-9', true],
    ['a'.repeat(100), true],
    ['a'.repeat(101), false],
    ['', false],
    ['a~', false],
    ['a b', false],
    ['a:b', false],
    ['a\n', false],
  ]
  for (const [text, verdict] of names) {
    const shown = text.length > 20 ? `${text.length} characters` : JSON.stringify(text)
    it(`${verdict ? 'takes' : 'does not take'} ${shown} for a service's name`, () => {
      expect(SERVICE_NAME.test(text)).to.equal(verdict)
    })
  }

  const urls: [string, string, string][] = [
    ['http://host', 'echo', 'http://host/echo'],
    ['http://host/', 'echo', 'http://host/echo'],
    ['http://host/tasks', 'echo', 'http://host/tasks/echo'],
    ['http://host/tasks/', 'echo', 'http://host/tasks/echo'],
    ['http://host/tasks?key=1', 'echo', 'http://host/tasks/echo?key=1'],
    ['http://host/tasks/{action}', 'echo', 'http://host/tasks/echo'],
    ['http://host/{action}/run', 'echo', 'http://host/echo/run'],
    ['http://host/run?action={action}&v=1', 'echo', 'http://host/run?action=echo&v=1'],
    ['http://host/{action}?again={action}', 'echo', 'http://host/echo?again=echo'],
    ['https://host:8443/a%20b/{action}', 'a.b~c', 'https://host:8443/a%20b/a.b~c'],
    ['http://[::1]:8080', 'echo', 'http://[::1]:8080/echo'],
    ['http://host/{action}', '...', 'http://host/...'],
  ]
  for (const [url, action, address] of urls) {
    it(`sends ${action} of ${url} to ${address}`, () => {
      expect(urlOf({ url }, action).href).to.equal(address)
    })
  }

  it('keeps every action inside the path of its service', () => {
    const action = fc.stringMatching(/^[A-Za-z0-9._~-]{1,200}$/).filter(isAction)
    fc.assert(
      fc.property(action, (action) => {
        expect(urlOf({ url: 'http://host/base' }, action).href).to.equal(`http://host/base/${action}`)
        expect(urlOf({ url: 'http://host/base/{action}' }, action).href).to.equal(`http://host/base/${action}`)
      }),
    )
  })
})
