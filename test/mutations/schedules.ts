// The mutations of schedules: a time without its task, or with two; a time that is not one.
import { type Mutation, one } from './mutation.ts'

const FIRE = 'integration/callers/schedules-fire'
const STALE = 'integration/schedules-stale'
const TIMES = 'unit/core/cron'
const TURNS = 'unit/core/schedule'
const NODE = 'integration/schedules'
const CALLERS = 'integration/callers/schedules'
const FAULTS = 'integration/callers/schedules-faults'

// prettier-ignore
export const SCHEDULE_MUTATIONS: readonly Mutation[] = [
  one('no guard on the time', 'two nodes make a task each', 'store/fires.js', 's.next_at = to_timestamp(asked.guard / 1000) and ', '', STALE),
  one('no guard on the revision', 'a task is made of what was replaced', 'store/fires.js', 'and s.revision = asked.revision', '', STALE),
  one('fired though paused', 'a time during a pause has a task', 'store/fires.js', 'and s.revision = asked.revision and not s.paused', 'and s.revision = asked.revision', STALE),
  one('fired without a lock', 'nodes that fire at once make a task each', 'store/fires.js', ' for update of s skip locked', '', STALE),
  one('a locked schedule is waited for', 'somebody who holds one schedule holds up all', 'store/fires.js', ' for update of s skip locked', ' for update of s', NODE, FIRE),
  one('skip skips nothing', 'tasks of one schedule overlap', 'store/fires.js', "l.overlap = 'allow' or not exists", 'true or not exists', FIRE),
  one('labels of fires', 'a task of a schedule is not found by its labels', 'store/fires.js', "select named.key || '=' || named.value, made.id from made", "select named.key || '+' || named.value, made.id from made", FIRE),
  one('missed times have tasks', 'none makes one', 'core/schedule.js', "makes: !missed || schedule.missed === 'one'", 'makes: true', TURNS),
  one('missed at 60 s', 'a time that is 60 s late was missed', 'core/schedule.js', 'schedule.nextAt < oldest', 'schedule.nextAt <= oldest', TURNS),
  one('every missed time has a task', 'an outage of an hour makes thousands', 'core/schedule.js', 'missed ? oldest - 1 : schedule.nextAt', 'schedule.nextAt', TURNS),
  one('lists go by real time', 'a time that comes twice has two tasks', 'core/cron.js', ", fixedTimeRule: 'no-wildcard'", '', TIMES),
  one('the year ends at midnight UTC', 'the last day of the year is lost west of Greenwich', 'core/cron.js', '`${year - 1}-', '`${year}-', TIMES),
  one('forty years are enough', 'a 29 February on a Sunday never comes again', 'core/cron.js', 'const YEARS = 41', 'const YEARS = 39', TIMES),
  one('any form of cron', 'a seventh field, a name or a date is taken', 'core/cron.js', '!FIELDS.test(cron)', 'false', TIMES),
  one('a time that never comes', 'a schedule without a time is taken', 'api/schedule-body.js', ' && timesAfter({', ' && false && timesAfter({', FAULTS),
  one('unique of a schedule', 'the task of a schedule is made once', 'api/schedule-body.js', "['unique', 'delay', 'runAt']", "['delay', 'runAt']", FAULTS),
  one('due by the clock of the node', 'a wrong clock misses all times', 'lifecycle/fire.js', 'turnOf(schedule, now)', 'turnOf(schedule, Date.now())', FIRE),
  one('next by the clock of the node', 'a wrong clock makes the first task too early', 'lifecycle/schedule.js', 'await by.store.schedules.now()', 'Date.now()', FIRE),
  one('resumed by the clock of the node', 'a wrong clock makes tasks of the pause', 'lifecycle/schedule.js', 'found.now', 'Date.now()', FIRE),
  one('a pause is missed time', 'a schedule makes up for its pause', 'store/schedules.js', 'case when s.paused then to_timestamp($4::double precision / 1000) else s.next_at end', 's.next_at', FIRE),
  one('a pause by PUT is missed time', 'a schedule makes up for its pause', 'store/schedules.js', 'and (excluded.paused or not s.paused or s.next_at > now())', '', FIRE),
  one('PUT begins anew', 'a PUT of the same puts the next time off', 'store/schedules.js', 'then s.next_at else excluded.next_at end', 'then excluded.next_at else excluded.next_at end', CALLERS),
  one('a PUT swallows what is due', 'a time before a PUT has no task', 'lifecycle/schedule.js', 'await fireDue(by);\n    return by.store', 'return by.store', FIRE),
  one('a pause swallows what is due', 'a time before a pause has no task', 'store/schedules.js', 's.next_at > now() or $2::boolean', '$2::boolean is not null', FIRE),
  one('run of nothing', 'a deleted schedule is run', 'store/creations.js', "if not found then ${refuseWith('absent')} end if;", '', CALLERS),
  one('a replayed run tells of now', 'a repeat shows a task that was never made', 'store/creations.js', '(there[1] or ${SCHEDULE}[1] is not null)', 'there[1]', CALLERS),
  one('nobody wakes', 'a new schedule waits for three seconds', 'supervisor/supervisor.js', 'this.#schedules.wake();', '', NODE),
  one('asks all the time', 'a held schedule costs all that there is', 'supervisor/schedules.js', 'if (moved > 0)', 'if (moved + left > 0)', NODE),
  one('no timer', 'a time is seen three seconds late', 'supervisor/schedules.js', 'if (pause < IDLE_MS)', 'if (false)', NODE),
  one('one zone stops all', 'a schedule that a node cannot read stops the others', 'lifecycle/fire.js', 'return [];', 'throw err;', NODE),
]
