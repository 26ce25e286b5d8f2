// Small sums over lists of numbers.
// @ts-check

supsup.numbers = (() => {
  /**
   * @template Value
   * @param {ArrayLike<Value>} values
   */
  const last = (values) => values[values.length - 1];

  /** @param {ArrayLike<number>} values */
  function sum(values) {
    let total = 0;
    for (let i = 0; i < values.length; i++) total += values[i];
    return total;
  }

  /** @param {ArrayLike<number>} values */
  const mean = (values) => sum(values) / values.length;

  /** @param {number[] | Float64Array} values */
  const indexOfMax = (values) => values.indexOf(Math.max(...values));

  /** @param {number[] | Float64Array} values */
  const indexOfMin = (values) => values.indexOf(Math.min(...values));

  /**
   * @param {ArrayLike<number>} a
   * @param {ArrayLike<number>} b of the same length
   */
  function dot(a, b) {
    let total = 0;
    for (let i = 0; i < a.length; i++) total += a[i] * b[i];
    return total;
  }

  /** 0, 1, ..., n - 1. @param {number} n */
  const range = (n) => [...Array(n).keys()];

  /** @param {ArrayBufferView<ArrayBuffer>} view */
  const bytesOf = (view) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

  return { last, sum, mean, indexOfMax, indexOfMin, dot, range, bytesOf };
})();
