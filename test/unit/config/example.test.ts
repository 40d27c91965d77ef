import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { urlOf } from '../../../src/core/service.ts'
import { read } from './reading.ts'

describe('examples/task_api.yaml', () => {
  it('registers both example services', () => {
    const { services } = read({ 'task_api.yaml': readFileSync('examples/task_api.yaml') })
    expect([...services.values()].map((service) => urlOf(service, 'work').href)).to.deep.equal([
      'http://127.0.0.1:8081/tasks/work',
      'http://127.0.0.1:8082/work',
    ])
  })
})
