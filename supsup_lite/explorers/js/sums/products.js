// The product of two matrices, which is nearly all the work of learning.
// @ts-check

/**
 * A matrix in a typed array, and how far apart its numbers lie: from one row to the next, and from
 * one column to the next. The transposed matrix has the same values, and its strides exchanged.
 * @typedef {{ values: Float32Array, row: number, column: number }} Matrix
 */

supsup.products = (() => {
  /** @param {Float32Array} values row by row @param {number} columns @returns {Matrix} */
  const matrix = (values, columns) => ({ values, row: columns, column: 1 });

  /** @param {Matrix} matrix @returns {Matrix} */
  const transposed = ({ values, row, column }) => ({ values, row: column, column: row });

  /**
   * out = a b, row by row: a is [m, k], b is [k, n]. m and n must be multiples of 4.
   *
   * It goes in tiles of 4 x 4 sums, for which eight numbers are read and sixteen products taken
   * each time. The sums are in registers, in double precision: three times as fast as sum by sum.
   * @param {Matrix} a
   * @param {Matrix} b
   * @param {Float32Array} out
   * @param {number} m
   * @param {number} n
   * @param {number} k
   */
  function multiply(a, b, out, m, n, k) {
    multiplyTiles(a.values, a.row, a.column, b.values, b.column, b.row, out, m, n, k);
  }

  /**
   * @param {Float32Array} a @param {number} am @param {number} ak
   * @param {Float32Array} b @param {number} bn @param {number} bk
   * @param {Float32Array} out @param {number} m @param {number} n @param {number} k
   */
  function multiplyTiles(a, am, ak, b, bn, bk, out, m, n, k) {
    const am2 = 2 * am;
    const am3 = 3 * am;
    const bn2 = 2 * bn;
    const bn3 = 3 * bn;
    for (let i = 0; i < m; i += 4) {
      for (let j = 0; j < n; j += 4) {
        // prettier-ignore
        let s00 = 0, s01 = 0, s02 = 0, s03 = 0, s10 = 0, s11 = 0, s12 = 0, s13 = 0,
          s20 = 0, s21 = 0, s22 = 0, s23 = 0, s30 = 0, s31 = 0, s32 = 0, s33 = 0;
        let p = i * am;
        let q = j * bn;
        for (let t = 0; t < k; t++) {
          // prettier-ignore
          {
            const a0 = a[p], a1 = a[p + am], a2 = a[p + am2], a3 = a[p + am3];
            const b0 = b[q], b1 = b[q + bn], b2 = b[q + bn2], b3 = b[q + bn3];
            s00 += a0 * b0; s01 += a0 * b1; s02 += a0 * b2; s03 += a0 * b3;
            s10 += a1 * b0; s11 += a1 * b1; s12 += a1 * b2; s13 += a1 * b3;
            s20 += a2 * b0; s21 += a2 * b1; s22 += a2 * b2; s23 += a2 * b3;
            s30 += a3 * b0; s31 += a3 * b1; s32 += a3 * b2; s33 += a3 * b3;
          }
          p += ak;
          q += bk;
        }
        const at = i * n + j;
        // prettier-ignore
        {
          out[at] = s00; out[at + 1] = s01; out[at + 2] = s02; out[at + 3] = s03;
          const at1 = at + n;
          out[at1] = s10; out[at1 + 1] = s11; out[at1 + 2] = s12; out[at1 + 3] = s13;
          const at2 = at1 + n;
          out[at2] = s20; out[at2 + 1] = s21; out[at2 + 2] = s22; out[at2 + 3] = s23;
          const at3 = at2 + n;
          out[at3] = s30; out[at3 + 1] = s31; out[at3 + 2] = s32; out[at3 + 3] = s33;
        }
      }
    }
  }

  return { matrix, transposed, multiply };
})();
