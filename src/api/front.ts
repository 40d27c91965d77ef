// The front page: says what task_api is and lists the paths, for browsers and curl.
import type { Context } from 'koa'
import { sendJson } from './answer.ts'
import type { ApiContext } from './dependencies.ts'

export const ABOUT = 'task_api runs background tasks for other services. This is its REST API; /docs describes it.'

/** One row for each path that the page lists. */
export const PATHS: Readonly<Record<string, string>> = {
  '/ui': 'the page for people',
  '/tasks': 'POST creates a task, GET lists the newest',
  '/tasks/{id}': 'GET shows a task (?view=full: all of it), DELETE deletes it',
  '/schedules': 'GET lists the schedules',
  '/schedules/{name}': 'PUT creates or replaces a schedule, GET shows it, DELETE deletes it',
  '/services': 'GET lists the services: their tasks, and what holds for them',
  '/services/{name}': 'GET shows a service, PATCH sets its limit, POST to …/pause and …/resume stops its requests',
  '/nodes': 'GET lists the nodes that are alive',
  '/stats': 'GET shows what tasks came to, by the minute (?since=1h)',
  '/failures': 'GET shows failed tasks in groups, by what went wrong (?since=24h)',
  '/caller': 'GET shows what the key of the request may do',
  '/metrics': 'GET: metrics of this node, for Prometheus',
  '/docs': 'GET: a page that describes this API, from /openapi.json',
  '/openapi.json': 'GET: the same for programs, as OpenAPI 3.1',
  '/livez': 'GET: whether this node lives',
  '/readyz': 'GET: whether this node is ready',
}

export const DOCS = 'README.md and the folder docs of the package task_api; docs/contract.md is the whole interface'

const TEXT = JSON.stringify({ about: ABOUT, paths: PATHS, docs: DOCS })

const rows = Object.entries(PATHS).map(([path, meaning]) => {
  const name = `<code>${path}</code>`
  return `<li>${path.includes('{') ? name : `<a href="${path.slice(1)}">${name}</a>`} ${meaning}</li>`
})

const PAGE = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>task_api</title></head>
<body>
<h1>task_api</h1>
<p>${ABOUT}</p>
<ul>
${rows.join('\n')}
</ul>
<p>Documentation: ${DOCS}.</p>
</body>
</html>
`

/** GET /: HTML for a caller that prefers HTML to JSON, as browsers do; else JSON. */
export async function showFront(_api: ApiContext, ctx: Context): Promise<void> {
  ctx.vary('Accept')
  if (ctx.accepts('application/json', 'text/html') !== 'text/html') {
    sendJson(ctx, 200, TEXT)
    return
  }
  ctx.set('Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'; base-uri 'none'")
  ctx.set('Content-Type', 'text/html; charset=utf-8')
  ctx.body = PAGE
}
