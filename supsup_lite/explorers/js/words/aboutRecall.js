// What the Hopfield explorer says: its findings in words. Uses numbers, format, mnist, retrieval
// and spins.
// @ts-check

supsup.aboutRecall = (() => {
  const { indexOfMax } = supsup.numbers;
  const { plural } = supsup.format;
  const { SIDE } = supsup.mnist;
  const { distance, overlaps } = supsup.retrieval;
  const { spread } = supsup.spins;

  /**
   * What tells a memory from a mixture, if anything is held at all.
   * @param {DigitMemory} memory
   * @param {Float64Array} end
   */
  function compareSpreads({ spins, spreads }, end) {
    if (spreads.some(Number.isNaN)) return "";
    const [low, high] = [Math.min(...spreads), Math.max(...spreads)].map((s) => s.toFixed(2));
    return `; its spread is ${spread(spins, end).toFixed(2)}, of stored digits ${low} to ${high}`;
  }

  /**
   * Big words, whether they are right, and a sentence.
   * @param {DigitMemory} memory
   * @param {Answer} answer
   * @param {string[]} names of all digits
   * @param {number} place of the stored digit that is asked for, -1 if it is none
   * @returns {[string, boolean | null, string]}
   */
  function outcomeOf(memory, answer, names, place) {
    const { exact, cycles, mirror, end, states } = answer;
    if (cycles) return ["no rest", false, "It finds no rest: two states take turns for ever"];
    const sweeps = (states.length - 1) / (memory.order === "synchronous" ? 1 : SIDE);
    const course =
      states.length === 1
        ? "Nothing turns"
        : `After ${plural(sweeps, "sweep")} nothing turns any more`;
    if (exact >= 0) {
      const found = `${course}: it is the stored ${names[exact]}, bit for bit`;
      return [`the ${names[exact]}`, place < 0 ? null : exact === place, found];
    }
    if (mirror)
      return ["a mirror image", false, `${course}: it is a stored digit with every pixel turned`];
    const near = indexOfMax(overlaps(memory, end));
    const off = distance(end, memory.patterns[near]);
    const spurious =
      `${course}: nobody stored this. Nearest is the ${names[near]}, ` +
      `${off} pixels away${compareSpreads(memory, end)}`;
    return ["a spurious state", place < 0 ? null : false, spurious];
  }

  /**
   * @param {DigitMemory} memory
   * @param {Answer} answer
   * @param {string[]} names of all digits
   * @param {number} digit that is asked for, -1 for a drawing
   * @param {{ rule: Rule, wrong: number }} how many pixels are spoiled
   */
  function findingOf(memory, answer, names, digit, { rule, wrong }) {
    const k = memory.patterns.length;
    const isStored = digit >= 0 && digit < k;
    const name = digit < 0 ? "" : names[digit];
    const notStored = isStored ? "" : ", which is not stored";
    const probe = digit < 0 ? "your drawing" : `the ${name}${notStored}`;
    const [words, right, outcome] = outcomeOf(memory, answer, names, isStored ? digit : -1);
    const unstable =
      isStored && !memory.stable[digit]
        ? ` The ${name} itself does not stand: there is no valley to roll into.`
        : "";
    const onlyOne =
      rule === "centred" && k === 1
        ? " One digit is its own mean: there is nothing to tell apart, and no unit feels anything."
        : "";
    const count = memory.stable.filter(Boolean).length;
    return {
      words: right === null ? words : `${words} ${right ? "✓" : "✗"}`,
      right,
      stable: `${count} of ${k} stand`,
      stableRight: count === k ? true : count ? null : false,
      sentence: `Asked with ${probe}, ${wrong} pixels spoiled. ${outcome}.${unstable}${onlyOne}`,
    };
  }

  return { findingOf };
})();
