// The mutations of a reload: a file that is read too early, or not at all; a loop, a thread or a node that goes by the old services.
import { type Mutation, one } from './mutation.ts'

const FILE = 'nodes/reload'
const TASKS = 'integration/reload'
const LANES = 'unit/supervisor/lanes'
const REPORTS = 'unit/supervisor/reports'

// prettier-ignore
export const RELOAD_MUTATIONS: readonly Mutation[] = [
  one('a changed file is not seen', 'the file is read only when somebody asks', 'reload.js', 'if (settled && seen !== this.#read)', 'if (false)', FILE),
  one('a link is not followed', 'the swap that Kubernetes does is not seen', 'reload.js', 'stat(file, { bigint: true }).then(', "import('node:fs/promises').then((fs) => fs.lstat(file, { bigint: true })).then(", FILE),
  one('the environment of now', 'a variable that the start took away is missing', 'reload.js', '{ env, readSecret }', '{ env: process.env, readSecret }', FILE),
  one('a file that is well again says nothing', 'nobody hears that a fault was mended', 'reload.js', 'if (some || this.#rejected)', 'if (some)', FILE),
  one('clients stay open', 'each reload leaves connections behind', 'actor/host.js', 'void pool.close();', '', FILE),
  one('threads hear nothing', 'requests go to the old address', 'supervisor/pool.js', "serve() {", "serve() {\n        return;", TASKS),
  one('threads start without services', 'a thread gives every task back', 'supervisor/pool.js', 'this.#tellServices(thread);\n        if', 'if', TASKS),
  one('loops keep their place', 'a lower limit, or a removal, does not end a loop', 'supervisor/reports.js', 'by.lanes.over(task.service)', 'false', REPORTS, TASKS),
  one('lanes stay as they are', 'an added service never begins', 'supervisor/supervisor.js', 'this.#lanes.serve();', '', TASKS),
  one('a removed service is forgotten at once', 'its tasks fail without a minute', 'store/nodes.js', ' or n.use -> ${service} is not null', '', TASKS),
  one('a removed service is never forgotten', 'its tasks wait for ever', 'supervisor/lanes.js', 'performance.now() - removedAt < this.#forgotten', 'true', LANES, TASKS),
  one('a lane goes while its tasks run', 'counts of a service that is back are wrong', 'supervisor/lanes.js', ' || lane.running + lane.reserved > 0', '', LANES),
  one('beats tell the services of the start', 'tasks by SQL have old callbacks', 'supervisor/lease.js', '{ ...lanes.load, ...this.#known }', 'lanes.load', 'unit/supervisor/lease', FILE),
  one('an actor keeps its service', 'a loop goes by the old configuration', 'actor/run.js', 'const target = context.target();', 'const target = (context.first ??= context.target());', 'unit/actor/run.reload'),
  one('retry.on names nothing', 'a 500 that is to be tried again is the end', 'core/answers.js', 'retry.on?.includes(status) ?? false', 'false', 'unit/core/answers'),
]
