// Who owns rows, and who of them is gone: a fragment of the statements that look for what was left behind.

/**
 * The CTEs `owners` and `gone` (node) of a `with recursive`; empty unless `wanted` (SQL) holds. Owners are found by stepping from
 * one to the next in their index, whether or not they have a row in `nodes`: without one they are gone as well.
 */
export const goneOwners = (wanted: string): string => `owners (node) as (
    (select node from tasks where ${wanted} and node is not null order by node limit 1)
    union all
    select (select t.node from tasks t where t.node > o.node order by t.node limit 1) from owners o where o.node is not null
  ),
  gone as materialized (
    select o.node from owners o left join nodes n on n.id = o.node
    where o.node is not null and (n.id is null or n.lease_until <= now())
  )`

/**
 * What an owner (SQL) holds, as a subquery (id, token, node, service) that no other index than that of held rows can answer, however old the
 * planner's figures are: `offset` keeps conditions out that another could. Whoever holds a row, it is running, so that need not be asked.
 */
export const heldBy = (owner: string): string =>
  `select t.id, t.token, t.node, t.service from tasks t where t.node = ${owner} offset 0`
