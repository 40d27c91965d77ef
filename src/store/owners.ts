// What nodes that are gone have left behind: fragments of the statements that look for it.

/** The CTE `gone` (node): nodes whose lease has run out. Empty unless `wanted` (SQL) holds. */
export const goneNodes = (wanted: string): string => `gone as materialized (
    select n.id as node from nodes n where ${wanted} and n.lease_until <= now()
  )`

/**
 * What a node (SQL) holds, as a subquery (id, token, node, service). `offset 0` keeps other conditions out, so that the planner can only
 * use the index of held rows. A row that is held is running, which need not be asked.
 */
export const heldBy = (owner: string): string =>
  `select t.id, t.token, t.node, t.service from tasks t where t.node = ${owner} offset 0`
