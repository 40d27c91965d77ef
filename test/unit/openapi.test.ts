// The OpenAPI document: valid by the official schema, complete, and with examples that its own schemas accept.
import { Validator } from '@seriousme/openapi-schema-validator'
import { expect } from 'chai'
import { exchangesOf, type MediaType, operationsOf, type ParameterObject, resolved } from '../../src/api/document.ts'
import { PARAMETERS } from '../../src/api/parameters.ts'
import { ROUTES } from '../../src/api/routes.ts'
import { FAILURES } from '../../src/core/failures.ts'
import { REFUSALS } from '../../src/core/refusal.ts'
import { readVersion } from '../../src/version.ts'
import { DOCUMENT, faultsOf, judged } from '../support/openapi.ts'

const placed = operationsOf(DOCUMENT)
const { components } = DOCUMENT

describe('the OpenAPI document', () => {
  it('is valid by the official schema of OpenAPI 3.1', async () => {
    const validator = new Validator()
    const { valid, errors } = await validator.validate(structuredClone(DOCUMENT) as unknown as Record<string, unknown>)
    expect(errors).to.equal(undefined)
    expect(valid).to.equal(true)
    expect(validator.version).to.equal('3.1')
  })

  it('has the version of the package', () => {
    expect(DOCUMENT.info.version).to.equal(readVersion())
  })

  it('has every route but the files of the pages, and every parameter, refusal and failure', () => {
    const routes = ROUTES.filter(({ path }) => !/^\/(?:docs|ui)\//.test(path))
    const told = placed.map(({ method, path }) => `${method} ${path}`)
    expect(told).to.have.members(routes.map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`))
    expect(components.parameters).to.include.all.keys(Object.keys(PARAMETERS))
    expect(components.responses).to.have.all.keys(Object.keys(REFUSALS))
    const { code } = (components.schemas.Failure as { properties: object }).properties as { code: { enum: string[] } }
    expect(code.enum).to.have.members(Object.keys(FAILURES))
  })

  it('names each operation once, so that a generated client has a function for each', () => {
    const ids = placed.map(({ operation }) => operation.operationId)
    expect(new Set(ids).size).to.equal(ids.length)
    for (const id of ids) expect(id).to.match(/^[a-z]+(?:[A-Z][a-z]+)+$/)
  })

  it('uses every schema and every header that it has', () => {
    const text = JSON.stringify(DOCUMENT)
    for (const kind of ['schemas', 'headers'] as const)
      for (const name of Object.keys(components[kind])) expect(text).to.include(`"#/components/${kind}/${name}"`)
  })

  for (const one of placed) {
    const { operation, method, path } = one
    it(`has examples of ${operation.operationId}, which its schemas accept`, () => {
      const exchanges = exchangesOf(DOCUMENT, one)
      expect(exchanges).not.to.have.lengthOf(0)
      for (const { name, body, status, answer } of exchanges) {
        const request = operation.requestBody?.content['application/json'] as MediaType
        if (body !== undefined && status < '400') expect(faultsOf(request.schema, body), name).to.equal('')
        if (answer === undefined) continue
        const [type = ''] = Object.keys((operation.responses[status] as { content: object }).content)
        const text = typeof answer === 'string' ? answer : JSON.stringify(answer)
        const answered = { status: Number(status), headers: new Headers({ 'Content-Type': type }), text }
        expect(judged(method, path, answered), name).to.equal('')
      }
      for (const parameter of operation.parameters.map((it) => resolved<ParameterObject>(DOCUMENT, it)))
        for (const { value } of Object.values(parameter.examples ?? {}))
          expect(faultsOf(parameter.schema, value), parameter.name).to.equal('')
    })
  }
})
