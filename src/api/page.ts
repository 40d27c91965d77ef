// The page /docs: the OpenAPI document as HTML that needs no script, with an anchor for each operation and each schema.
import {
  type Document,
  type Exchange,
  exchangesOf,
  type OperationObject,
  operationsOf,
  type ParameterObject,
  type Placed,
  resolved,
  type ResponseObject,
} from './document.ts'
import { coded, escaped, membersTable, row, table, typeOf } from './page-schemas.ts'

/** Where the examples send their requests; the script of the page puts its own address there. */
const BASE = 'http://127.0.0.1:3000'

/** Prints the page. All its links are relative, so a proxy may serve it under any path. */
export function pageOf(document: Document): string {
  const placed = operationsOf(document)
  const { title, version, description } = document.info as Record<string, string>
  const groups = document.tags.map((tag) => ({
    ...tag,
    all: placed.filter(({ operation }) => operation.tags[0] === tag.name),
  }))
  const name = `${escaped(title ?? '')} ${escaped(version ?? '')}`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${name}: the REST API</title>
<link rel="stylesheet" href="docs/page.css">
<script src="docs/page.js" defer></script>
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<nav aria-label="Operations">
<p class="home"><a href="#content">${name}</a></p>
${groups.map(({ name: tag, all }) => `<h2><a href="#${slug(tag)}">${escaped(tag)}</a></h2>\n<ul>${all.map(link).join('')}</ul>`).join('\n')}
<h2><a href="#schemas">Schemas</a></h2>
</nav>
<main id="content">
<h1>${escaped(title ?? '')}: the REST API</h1>
<p>${coded(description ?? '')}</p>
<p>The same for programs: <a href="openapi.json">openapi.json</a>.</p>
${groups.map(({ name: tag, description: about, all }) => `<section>\n<h2 id="${slug(tag)}">${escaped(tag)}</h2>\n<p>${coded(about)}</p>\n${all.map((one) => operation(document, one)).join('\n')}\n</section>`).join('\n')}
<section>
<h2 id="schemas">Schemas</h2>
${Object.entries(document.components.schemas)
  .map(
    ([schema, one]) =>
      `<article id="schema-${schema}"><h3><a href="#schema-${schema}">${schema}</a></h3>${membersTable(one)}</article>`,
  )
  .join('\n')}
</section>
</main>
</body>
</html>
`
}

const slug = (text: string): string => text.toLowerCase().replaceAll(/[^a-z]+/g, '-')

const badge = (method: string): string => `<span class="method ${method.toLowerCase()}">${method}</span>`

const link = ({ method, path, operation: { operationId } }: Placed): string =>
  `<li><a href="#${operationId}">${badge(method)} ${breakable(path)}</a></li>`

/** A path that may be broken before each of its parts. */
const breakable = (path: string): string => escaped(path).replaceAll(/(?<!^)\//g, '<wbr>/')

function operation(document: Document, placed: Placed): string {
  const { method, path, operation: one } = placed
  const { operationId, summary, description, parameters, requestBody } = one
  const given = parameters.map((parameter) => resolved<ParameterObject>(document, parameter))
  const body = Object.values(requestBody?.content ?? {})[0]
  const optional = requestBody?.required === false ? ' It may be absent.' : ''
  return `<article id="${operationId}">
<h3><a href="#${operationId}">${escaped(summary)}</a></h3>
<p class="route">${badge(method)} <code>${breakable(path)}</code></p>
<p>${coded(description)}</p>
${given.length > 0 ? parametersTable(given) : ''}
${body ? `<p>The body is ${typeOf(body.schema)}.${optional}</p>` : ''}
${answers(document, one)}
${exchangesOf(document, placed).map(example).join('\n')}
</article>`
}

const parametersTable = (given: readonly ParameterObject[]): string =>
  table(
    ['Parameter', 'In', 'Meaning'],
    given.map(({ name, in: place, description }) =>
      row([`<code>${escaped(name === 'label' ? 'label.<name>' : name)}</code>`, place, coded(description)]),
    ),
  )

function answers(document: Document, { responses }: OperationObject): string {
  const all = Object.entries(responses).map(([status, one]) => ({ status, ...resolved<ResponseObject>(document, one) }))
  const rows = (some: typeof all): string[] =>
    some.map(({ status, description, headers = {}, content = {} }) => {
      const body = Object.entries(content).map(([type, { schema }]) =>
        type === 'application/json' ? typeOf(schema) : `<code>${escaped(type)}</code>`,
      )
      const named = Object.keys(headers).map((name) => `<code>${escaped(name)}</code>`)
      return row([status, coded(description), [...body, ...named].join(', ')])
    })
  const isRefusal = ({ content = {} }: ResponseObject): boolean => Object.hasOwn(content, 'application/problem+json')
  const head = ['Answer', 'Meaning', 'Body and headers']
  const refused = all.filter(isRefusal)
  return `${table(head, rows(all.filter((one) => !isRefusal(one))))}
<details><summary>Refusals: ${refused.map(({ status }) => status).join(', ')}</summary>
${table(head, rows(refused))}
</details>`
}

function example({ summary, method, path, headers, body, status, answer }: Exchange): string {
  const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`
  const told = body === undefined ? headers : { 'Content-Type': 'application/json', ...headers }
  const request = [
    `curl -i${method === 'GET' ? '' : ` -X ${method}`} ${quoted(BASE + path)}`,
    ...Object.entries(told).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`),
    ...(body === undefined ? [] : [`-d ${quoted(JSON.stringify(body))}`]),
  ].join(' \\\n  ')
  const shown =
    answer === undefined ? '' : `\n\n${typeof answer === 'string' ? answer : JSON.stringify(answer, null, 2)}`
  return `<figure>
<figcaption>${coded(summary)}</figcaption>
<pre class="curl" tabindex="0"><code>${escaped(request)}</code></pre>
<pre tabindex="0"><code>${escaped(status + shown)}</code></pre>
</figure>`
}
