// Explicit-state model check of the limit of a service over all nodes. Three tasks, two nodes, a limit of two. Plain node, no deps.
//   node limit.mjs [mutation ...]     no mutation = the design. Mutations that must be caught: no-lock, one-snapshot, dead-not-counted, cut-not-counted,
//   release-before-answer. Redundant here: take-over-with-grant, actor-does-not-ask, take-over-frees (the task is counted, or its old node is excused; the
//   first two are for the rate).
// A node's lease may expire at any moment. A node that is frozen keeps its requests open; whoever takes its tasks over may then open one too many.
// So what is open at a node whose lease has run out does not count, here as in the promise.
const MUT = new Set(process.argv.slice(2)), m = x => MUT.has(x);
const LIMIT = 2, TASKS = 3;
// t[i]: own node | -1 none | -2 ended or gone ; gr granted ; a[n]: what node n has of it: '' none, 'g' claimed with a grant, 'w' claimed without, 'o' request open, 'r' answered
// n[i]: exp (lease expired), asks: null or the count that it has seen and the locked row's version ; cut: grants of deleted tasks ; v: version of the row
const init = { t: Array.from({ length: TASKS }, () => ({ own: -1, gr: 0, a: ['', ''] })), n: [{ exp: 0, sees: null }, { exp: 0, sees: null }], lock: -1, cut: [], bad: '' };
const clone = s => ({ t: s.t.map(t => ({ own: t.own, gr: t.gr, a: [t.a[0], t.a[1]] })), n: s.n.map(d => ({ exp: d.exp, sees: d.sees })), lock: s.lock, cut: [...s.cut], bad: s.bad });
const key = s => s.t.map(t => `${t.own}${t.gr}${t.a}`).join('|') + '/' + s.n.map(d => `${d.exp}${d.sees}`).join() + '/' + s.lock + '/' + s.cut.map(c => c.join('')).sort() + s.bad;
const counted = s => s.t.filter(t => t.gr && t.own >= 0 && !(m('dead-not-counted') && s.n[t.own].exp)).length + (m('cut-not-counted') ? 0 : s.cut.length);
/** Requests open at nodes in touch with Postgres. */
const open = s => s.t.reduce((sum, t) => sum + t.a.filter((a, i) => a === 'o' && !s.n[i].exp).length, 0);
function next(s) {
  const out = [], add = (l, fn) => { const x = clone(s); fn(x); if (open(x) > LIMIT) x.bad = `${open(x)} requests are open`; out.push([l, x]); };
  s.n.forEach((d, i) => {
    if (d.exp) add(`n${i} beats again`, x => { x.n[i].exp = 0; for (const t of x.t) if (t.own !== i) t.a[i] = ''; });   // the sync after it stops what others own
    else add(`n${i} lease expires`, x => { x.n[i].exp = 1; });
    if (d.exp) return;
    // The grant: lock, count, claim. Each is a step; with the lock nobody comes between.
    const free = m('no-lock') || s.lock < 0;
    if (d.sees === null && m('one-snapshot')) add(`n${i} counts`, x => { x.n[i].sees = counted(x); });
    if (d.sees === null && free && !m('one-snapshot')) add(`n${i} locks and counts`, x => { if (!m('no-lock')) x.lock = i; x.n[i].sees = counted(x); });
    if (d.sees !== null && (m('no-lock') || m('one-snapshot') ? s.lock < 0 : s.lock === i)) add(`n${i} claims`, x => {
      x.lock = -1; const room = LIMIT - x.n[i].sees; x.n[i].sees = null;
      for (const t of x.t.filter(t => t.own === -1).slice(0, Math.max(0, room))) Object.assign(t, { own: i, gr: 1, a: t.a.map((a, j) => j === i ? 'g' : a) }); });
    s.t.forEach((t, k) => {
      const of = x => x.t[k], mine = t.own === i, put = (x, a) => { of(x).a[i] = a; };
      if (t.a[i] === 'g' || (m('actor-does-not-ask') && t.a[i] === 'w')) add(`n${i} begins ${k}`, x => put(x, 'o'));
      if (t.a[i] === 'o') add(`n${i} is answered ${k}`, x => put(x, 'r'));
      if (t.a[i] === 'r' || t.a[i] === 'w' || (m('release-before-answer') && t.a[i] === 'o')) {
        const keep = m('release-before-answer') && t.a[i] === 'o' ? 'o' : '';
        add(`n${i} releases ${k}`, x => { put(x, keep); if (mine) Object.assign(of(x), { own: -1, gr: 0 }); });
        if (t.a[i] === 'r') add(`n${i} settles ${k}`, x => { put(x, ''); if (mine) Object.assign(of(x), { own: -2, gr: 0 }); });
      }
      // A take-over keeps the grant with the task, and gives the new node none.
      if (t.own >= 0 && t.own !== i && s.n[t.own].exp && s.lock < 0) add(`n${i} takes ${k} over`, x => { of(x).own = i; if (m('take-over-frees')) of(x).gr = 0; put(x, m('take-over-with-grant') ? 'g' : 'w'); });
    });
  });
  s.t.forEach((t, k) => { if (t.own !== -2 && s.lock < 0) add(`DELETE ${k}`, x => { const y = x.t[k]; if (y.gr && y.own >= 0) x.cut.push([y.own, k]); Object.assign(y, { own: -2, gr: 0 }); }); });
  // Its node hears of it and ends the request; only then is the cut grant forgotten.
  s.cut.forEach(([i, k], at) => add(`n${i} ends ${k}`, x => { x.t[k].a[i] = ''; x.cut.splice(at, 1); }));
  return out;
}
const seen = new Map([[key(init), [-1, '']]]), S = [init], from = [[-1, '']]; let bad = -1;
for (let h = 0; h < S.length && bad < 0; h++) for (const [l, x] of next(S[h])) { const q = key(x); if (seen.has(q)) continue; seen.set(q, 1); S.push(x); from.push([h, l]); if (x.bad) { bad = S.length - 1; break; } }
const trace = j => { const o = []; while (from[j][0] >= 0) { o.unshift(from[j][1]); j = from[j][0]; } return o.join(' ; '); };
console.log('#', [...MUT].join(',') || 'the design', `| ${S.length} states`);
if (bad >= 0) { console.log('VIOLATION', S[bad].bad, '\n  trace:', trace(bad)); process.exit(1); }
console.log(`at most ${LIMIT} requests of nodes in touch with Postgres are open: holds`);
