// How a state of spins moves to rest. Uses numbers and spins.
// @ts-check

/** @typedef {"asynchronous" | "synchronous"} Order */

/**
 * @typedef {object} Trajectory
 * @property {Float64Array[]} states on the way, the first one as it was asked
 * @property {boolean} cycles two states take turns for ever
 */

supsup.recall = (() => {
  const { last } = supsup.numbers;
  const { sumsOf, coupledAt, deviation, fields } = supsup.spins;

  const ROUNDING = 1e-6; // a field this small flips no unit
  const MAX_SWEEPS = 100;

  /**
   * Visit some units of z one after the other, each feeling the flips before it.
   * @param {Spins} spins
   * @param {Float64Array} z is changed
   * @param {Sums} sums of z, which are changed with it
   * @param {number} from the first unit
   * @param {number} to the unit after the last one
   * @returns {number} how many flipped
   */
  function updateUnits(spins, z, sums, from, to) {
    const { r, p, q, centre, pull } = spins;
    let flips = 0;
    for (let j = from; j < to; j++) {
      const field = coupledAt(spins, sums, z[j] - centre[j], j) + centre[j] * pull;
      if (z[j] * field >= -ROUNDING) continue;
      z[j] = -z[j];
      flips++;
      for (let i = 0, at = j * r; i < r; i++, at++) {
        sums.a[i] += 2 * z[j] * p[at];
        sums.b[i] += 2 * z[j] * q[at];
      }
    }
    return flips;
  }

  /**
   * All units at once.
   * @param {Spins} spins
   * @param {Float64Array} z
   */
  const updateAll = (spins, z) =>
    fields(spins, z).map((field, j) => (Math.abs(field) > ROUNDING ? Math.sign(field) : z[j]));

  /**
   * @param {Float64Array} v
   * @param {Float64Array} w
   */
  const same = (v, w) => v.every((spin, j) => spin === w[j]);

  /**
   * @param {Spins} spins
   * @param {Float64Array} start
   * @param {number} row units after which a state is kept
   * @returns {Trajectory}
   */
  function recallAsynchronously(spins, start, row) {
    const states = [start];
    for (let sweep = 0; sweep < MAX_SWEEPS; sweep++) {
      const z = last(states).slice();
      const sums = sumsOf(spins, deviation(spins, z));
      const seen = [];
      let flips = 0;
      for (let from = 0; from < spins.d; from += row) {
        flips += updateUnits(spins, z, sums, from, Math.min(spins.d, from + row));
        seen.push(z.slice());
      }
      if (!flips) break;
      states.push(...seen);
    }
    return { states, cycles: false };
  }

  /**
   * @param {Spins} spins
   * @param {Float64Array} start
   * @returns {Trajectory} with a state a sweep
   */
  function recallSynchronously(spins, start) {
    const states = [start];
    for (let sweep = 0; sweep < MAX_SWEEPS; sweep++) {
      const before = last(states);
      const now = updateAll(spins, before);
      if (same(now, before)) break;
      if (states.length > 1 && same(now, states[states.length - 2]))
        return { states, cycles: true };
      states.push(now);
    }
    return { states, cycles: false };
  }

  /**
   * @param {Spins} spins
   * @param {Float64Array} start
   * @param {Order} order
   * @param {number} [row] asynchronous: units after which a state is kept
   */
  const recall = (spins, start, order, row = spins.d) =>
    order === "synchronous"
      ? recallSynchronously(spins, start)
      : recallAsynchronously(spins, start, row);

  return { recall, same };
})();
