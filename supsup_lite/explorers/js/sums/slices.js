// Long work in slices, so that every input is answered at once.
// @ts-check

supsup.slices = (() => {
  const SLICE = 8; // ms of work at a time
  const PAUSE = 4; // ms between them

  /**
   * @param {() => boolean} workOne does the next piece, and returns whether there is more
   * @param {() => void} report is called after each slice
   * @param {number} delay ms before the first
   * @returns {() => void} a function that stops it
   */
  function inSlices(workOne, report, delay = 0) {
    let timer = setTimeout(workSlice, delay);
    function workSlice() {
      const until = performance.now() + SLICE;
      let more = true;
      do more = workOne();
      while (more && performance.now() < until);
      if (more) timer = setTimeout(workSlice, PAUSE);
      report();
    }
    return () => clearTimeout(timer);
  }

  return { inSlices };
})();
