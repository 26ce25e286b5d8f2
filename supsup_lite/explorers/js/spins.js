// A Hopfield network of d spins, -1 or 1, that is never written down as a matrix: Psi = sum_i p_i q_i' + q_i p_i', its
// diagonal set to 0. Hebb: q = p / 2d. Storkey: q = (p / 2 - h) / d, with h what the memory makes of p before it comes
// in. Centred: Hebb, and one more pair for the mean m, with q = -k m / 2d, so that the deviations from m are left.
//
// A state meets the patterns only in the sums a_i = p_i . z and b_i = q_i . z. The field of unit j is
// sum_i p_ij b_i + q_ij a_i - D_j z_j, where D is the diagonal, and a unit that turns moves each sum by one product. So a
// sweep over all units takes some 4 d k operations, where the matrix would take d^2.

const STILL = 1e-6; // a field this small is rounding: it turns no unit
const MOST_SWEEPS = 100;

// What patterns (Float64Array [d] of -1 and 1) leave behind under a rule. p and q lie unit by unit.
function remember(patterns, rule) {
  const d = patterns[0].length, k = patterns.length, r = k + (rule === "centred" ? 1 : 0);
  const memory = { d, k, r, p: new Float64Array(d * r), q: new Float64Array(d * r), diagonal: new Float64Array(d), centre: new Float64Array(d), pull: 0 };
  const add = (i, own, half) => {
    for (let j = 0; j < d; j++) {
      memory.p[j * r + i] = own[j];
      memory.q[j * r + i] = half[j] / d;
      memory.diagonal[j] += (2 * own[j] * half[j]) / d;
    }
  };
  patterns.forEach((z, i) => {
    const known = rule === "storkey" ? couple(memory, z) : null;
    add(i, z, z.map((own, j) => own / 2 - (known ? known[j] : 0)));
  });
  if (rule === "centred") {
    const mean = memory.centre.map((_, j) => sum(patterns.map((z) => z[j])) / k);
    add(k, mean, mean.map((own) => (-k * own) / 2));
    Object.assign(memory, { centre: mean, pull: sum(mean.map((own) => 1 - own * own)) / d });
  }
  return memory;
}

// The sums a and b of a direction v.
function sumsOf({ d, r, p, q }, v) {
  const a = new Float64Array(r), b = new Float64Array(r);
  for (let j = 0, at = 0; j < d; j++)
    for (let i = 0; i < r; i++, at++) {
      a[i] += p[at] * v[j];
      b[i] += q[at] * v[j];
    }
  return { a, b };
}

function coupledAt({ r, p, q, diagonal }, { a, b }, own, j) {
  let total = -diagonal[j] * own;
  for (let i = 0, at = j * r; i < r; i++, at++) total += p[at] * b[i] + q[at] * a[i];
  return total;
}

// What the couplings make of a direction: Psi v.
function couple(memory, v) {
  const sums = sumsOf(memory, v);
  return v.map((own, j) => coupledAt(memory, sums, own, j));
}

const away = ({ centre }, z) => z.map((own, j) => own - centre[j]);
const fields = (memory, z) => couple(memory, away(memory, z)).map((own, j) => own + memory.centre[j] * memory.pull);
const inner = (v, w) => v.reduce((total, own, j) => total + own * w[j], 0);

function energy(memory, z) {
  const v = away(memory, z);
  return -inner(v, couple(memory, v)) / 2 - memory.pull * inner(z, memory.centre);
}

// How unevenly the units of a state are held: deviation over mean of z_j h_j. Small for a memory, larger for a mixture,
// NaN where nothing is held.
function spread(memory, z) {
  const held = fields(memory, z).map((own, j) => own * z[j]), mean = sum(held) / held.length;
  return Math.sqrt(sum(held.map((own) => (own - mean) ** 2)) / held.length) / mean;
}

// Visit the units from..to-1 of z one after the other, each feeling the turns before it; return how many turned.
function turnUnits(memory, z, sums, from, to) {
  const { r, p, q, centre, pull } = memory;
  let turned = 0;
  for (let j = from; j < to; j++) {
    const field = coupledAt(memory, sums, z[j] - centre[j], j) + centre[j] * pull;
    if (z[j] * field >= -STILL) continue;
    z[j] = -z[j];
    turned++;
    for (let i = 0, at = j * r; i < r; i++, at++) {
      sums.a[i] += 2 * z[j] * p[at];
      sums.b[i] += 2 * z[j] * q[at];
    }
  }
  return turned;
}

// All units at once.
const turnAll = (memory, z) => fields(memory, z).map((field, j) => (Math.abs(field) > STILL ? Math.sign(field) : z[j]));
const same = (v, w) => v.every((own, j) => own === w[j]);

// The states on the way from `asked` to rest, the first one `asked` itself. Asynchronous: one state for every `row` units
// of a sweep. Synchronous: one a sweep; there two states may take turns for ever, and `turns` says so.
function recall(memory, asked, order, row = memory.d) {
  const states = [asked];
  for (let sweep = 0; sweep < MOST_SWEEPS; sweep++) {
    const before = last(states);
    if (order === "synchronous") {
      const now = turnAll(memory, before);
      if (same(now, before)) break;
      if (states.length > 1 && same(now, states[states.length - 2])) return { states, turns: true };
      states.push(now);
    } else {
      const z = before.slice(), sums = sumsOf(memory, away(memory, z)), seen = [];
      let turned = 0;
      for (let from = 0; from < memory.d; from += row) {
        turned += turnUnits(memory, z, sums, from, Math.min(memory.d, from + row));
        seen.push(z.slice());
      }
      if (!turned) break;
      states.push(...seen);
    }
  }
  return { states, turns: false };
}

// --- what is asked -------------------------------------------------------------------------------------------------

// A number below 2^32 that looks random, for each number (the last step of MurmurHash3). Python has the same.
function scramble(n) {
  n = Math.imul(n ^ (n >>> 16), 0x85ebca6b);
  n = Math.imul(n ^ (n >>> 13), 0xc2b2ae35);
  return (n ^ (n >>> 16)) >>> 0;
}

// All units, in an order that depends on a throw and on the digit's place: noise turns the first ones.
function noiseOrder(d, place, toss) {
  const keys = Float64Array.from({ length: d }, (_, unit) => scramble(unit + 1024 * (place + 64 * toss)) * 1024 + unit);
  return keys.sort().map((key) => key % 1024);
}

// A pattern with a share of its units turned, or covered from below with -1.
function spoil(z, share, damage, place, toss) {
  const d = z.length, count = Math.round(share * d), asked = z.slice();
  if (damage === "covered") return asked.fill(-1, d - count);
  for (const unit of noiseOrder(d, place, toss).subarray(0, count)) asked[unit] *= -1;
  return asked;
}
