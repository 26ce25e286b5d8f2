// The random numbers of Python: `supsup_lite.seeding.generator` and numpy's PCG64, draw by draw.
// Uses sha256.
//
// So a network, its tasks, the start of its scores and the order of its images are the same here as
// there, and nobody has to send them.
// @ts-check

supsup.generator = (() => {
  const { sha256 } = supsup.sha256;

  const WORD = (1n << 64n) - 1n;
  const ALL = (1n << 128n) - 1n;
  const MULTIPLIER = 0x2360ed051fc65da44385df649fccf645n;
  const POOL = 4;

  /**
   * A number hashed by a constant that changes each time (O'Neill's `seed_seq_fe`).
   * @param {number} start
   * @param {number} factor
   */
  function hasher(start, factor) {
    let constant = start;
    /** @param {number} value */
    return (value) => {
      value ^= constant;
      constant = Math.imul(constant, factor);
      value = Math.imul(value, constant);
      return value ^ (value >>> 16);
    };
  }

  /** @param {number} x @param {number} y */
  function mix(x, y) {
    const mixed = Math.imul(0xca01f9dd, x) - Math.imul(0x4973f715, y);
    return mixed ^ (mixed >>> 16);
  }

  /**
   * The four numbers of 64 bits that numpy's SeedSequence makes of some words of 32 bits.
   * @param {Uint32Array} words four or more
   */
  function seedSequence(words) {
    const hash = hasher(0x43b0d7e5, 0x931e8875);
    const pool = Array.from(words.subarray(0, POOL), hash);
    for (let from = 0; from < POOL; from++)
      for (let to = 0; to < POOL; to++) if (from !== to) pool[to] = mix(pool[to], hash(pool[from]));
    for (const word of words.subarray(POOL))
      for (let to = 0; to < POOL; to++) pool[to] = mix(pool[to], hash(word));
    const hashOut = hasher(0x8b51f9dd, 0x58f38ded);
    const out = Array.from({ length: 8 }, (_, i) => BigInt(hashOut(pool[i % POOL]) >>> 0));
    return [0, 2, 4, 6].map((i) => out[i] | (out[i + 1] << 32n));
  }

  /**
   * A fresh generator that depends on its three arguments and on nothing else.
   * @param {string} purpose
   * @param {number} seed
   * @param {number} [task]
   */
  function generator(purpose, seed, task = 0) {
    const digest = sha256(new TextEncoder().encode(`supsup-lite/${purpose}/${seed}/${task}`));
    const [s0, s1, s2, s3] = seedSequence(digest);
    const increment = ((((s2 << 64n) | s3) << 1n) | 1n) & ALL;
    let state = (increment + ((s0 << 64n) | s1)) & ALL;
    let held = -1; // the upper half of the last draw, if nobody has taken it yet
    const advance = () => (state = (state * MULTIPLIER + increment) & ALL);
    advance();

    /** 32 random bits. */
    function bits() {
      if (held >= 0) {
        const value = held;
        held = -1;
        return value;
      }
      advance();
      const folded = (state >> 64n) ^ (state & WORD);
      const rotation = state >> 122n;
      const word = ((folded >> rotation) | (folded << (64n - rotation))) & WORD;
      held = Number(word >> 32n);
      return Number(word & 0xffffffffn);
    }

    /** Numbers in [0, 1), as `random(count, dtype=np.float32)` draws them. @param {number} count */
    const floats = (count) => Float32Array.from({ length: count }, () => (bits() >>> 8) / 2 ** 24);

    /** 0 or 1, as `integers(0, 2, count, dtype=np.int8)` draws them. @param {number} count */
    function coins(count) {
      const values = new Uint8Array(count);
      for (let i = 0, word = 0; i < count; i++, word >>>= 8) {
        if (i % 4 === 0) word = bits(); // a byte for each; its highest bit decides
        values[i] = (word >>> 7) & 1;
      }
      return values;
    }

    /** A whole number in 0..most: drawn until one is small enough. @param {number} most */
    function below(most) {
      const mask = 2 ** (32 - Math.clz32(most)) - 1;
      let value = bits() & mask;
      while (value > most) value = bits() & mask;
      return value;
    }

    /** 0..size - 1 in some order, as `permutation(size)` shuffles them. @param {number} size */
    function permutation(size) {
      const order = Int32Array.from({ length: size }, (_, i) => i);
      for (let i = size - 1; i > 0; i--) {
        const j = below(i);
        [order[i], order[j]] = [order[j], order[i]];
      }
      return order;
    }

    return { floats, coins, permutation };
  }

  return { generator };
})();
