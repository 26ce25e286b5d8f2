// SHA-256 (FIPS 180-4). The browser's own is there on secure pages alone, and never at once.
// @ts-check

supsup.sha256 = (() => {
  /** The first prime numbers. @param {number} count */
  function primes(count) {
    /** @type {number[]} */
    const found = [];
    for (let n = 2; found.length < count; n++) if (found.every((p) => n % p)) found.push(n);
    return found;
  }

  /** The first 32 bits of a number's fraction. @param {number} value */
  const fraction = (value) => ((value - Math.floor(value)) * 2 ** 32) | 0;

  const START = primes(8).map((p) => fraction(Math.sqrt(p)));
  const ROUNDS = primes(64).map((p) => fraction(Math.cbrt(p)));

  /** @param {number} x @param {number} by */
  const rotate = (x, by) => (x >>> by) | (x << (32 - by));

  /**
   * @param {DataView} view
   * @param {number} start of a block
   * @param {Int32Array} state is changed
   */
  function compress(view, start, state) {
    const w = new Int32Array(64);
    for (let t = 0; t < 16; t++) w[t] = view.getInt32(start + 4 * t);
    for (let t = 16; t < 64; t++) {
      const [x, y] = [w[t - 15], w[t - 2]];
      const low = rotate(x, 7) ^ rotate(x, 18) ^ (x >>> 3);
      const high = rotate(y, 17) ^ rotate(y, 19) ^ (y >>> 10);
      w[t] = w[t - 16] + low + w[t - 7] + high;
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let t = 0; t < 64; t++) {
      const high = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
      const first = (h + high + ((e & f) ^ (~e & g)) + ROUNDS[t] + w[t]) | 0;
      const low = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
      const second = (low + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      [h, g, f, e] = [g, f, e, (d + first) | 0];
      [d, c, b, a] = [c, b, a, (first + second) | 0];
    }
    [a, b, c, d, e, f, g, h].forEach((value, i) => (state[i] += value));
  }

  /**
   * The digest of some bytes, as eight words that are read with their lowest byte first.
   * @param {Uint8Array} bytes
   */
  function sha256(bytes) {
    const length = 64 * Math.ceil((bytes.length + 9) / 64);
    const padded = new Uint8Array(length);
    padded.set(bytes);
    padded[bytes.length] = 0x80;
    const view = new DataView(padded.buffer);
    view.setUint32(length - 4, 8 * bytes.length);
    const state = Int32Array.from(START);
    for (let start = 0; start < length; start += 64) compress(view, start, state);
    const digest = new DataView(new ArrayBuffer(32));
    state.forEach((word, i) => digest.setInt32(4 * i, word));
    return Uint32Array.from({ length: 8 }, (_, i) => digest.getUint32(4 * i, true));
  }

  return { sha256 };
})();
