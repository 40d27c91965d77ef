import { expect } from 'chai'
import { FAILURES } from '../../../src/core/failures.ts'
import { REFUSALS, Refusal, type RefusalCode } from '../../../src/core/refusal.ts'

describe('the codes of refusals', () => {
  const statuses: Record<RefusalCode, number> = {
    malformed_json: 400,
    too_deep: 400,
    invalid_task: 400,
    invalid_schedule: 400,
    invalid_service: 400,
    unknown_service: 400,
    invalid_parameter: 400,
    invalid_idempotency_key: 400,
    already_ended: 409,
    not_ended: 409,
    no_such_state: 409,
    not_waiting: 409,
    unique_taken: 409,
    idempotency_in_progress: 409,
    unique_pending: 409,
    no_services_file: 409,
    invalid_services: 422,
    idempotency_mismatch: 422,
    quota_exceeded: 429,
    bad_request: 400,
    unauthorized: 401,
    not_allowed: 403,
    not_found: 404,
    method_not_allowed: 405,
    too_slow: 408,
    body_too_large: 413,
    not_json: 415,
    headers_too_large: 431,
    internal: 500,
    unavailable: 503,
    outcome_unknown: 503,
  }

  it('are these and no others: they are promised to callers', () => {
    expect(REFUSALS).to.have.all.keys(...Object.keys(statuses))
  })

  for (const [code, { title, meaning }] of Object.entries(REFUSALS))
    it(`${code} has a status, a title and a meaning`, () => {
      expect(code).to.match(/^[a-z]+(_[a-z]+)*$/)
      expect(new Refusal(code as RefusalCode, 'why').status).to.equal(statuses[code as RefusalCode])
      expect(title).to.match(/^[A-Z].*[^.]$/)
      expect(meaning).to.match(/\.$/)
    })

  it('travel in an error that names each fault', () => {
    const faults = [{ pointer: '/action', detail: 'must be a string' }]
    const refusal = new Refusal('invalid_task', 'The task has 1 fault.', faults)
    expect(refusal).to.be.an('error')
    expect(refusal).to.include({ name: 'Refusal', code: 'invalid_task', message: 'The task has 1 fault.', status: 400 })
    expect(refusal.faults).to.deep.equal(faults)
    expect(new Refusal('not_found', 'No such task.').faults).to.deep.equal([])
  })
})

describe('the codes of failures', () => {
  it('are these and no others: they are promised to callers', () => {
    const codes =
      'service_error redirect timeout service_unavailable too_many_steps deadline_exceeded unknown_service crashed bad_body body_too_large cancelled cannot_decrypt'
    expect(FAILURES).to.have.all.keys(...codes.split(' '))
  })

  for (const [code, meaning] of Object.entries(FAILURES))
    it(`${code} has a meaning`, () => {
      expect(code).to.match(/^[a-z]+(_[a-z]+)*$/)
      expect(meaning).to.match(/^[A-Z].*\.$/)
    })
})
