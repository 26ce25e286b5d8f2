// What the task inference explorer says: its findings in words, and its main chart. Uses format.
// @ts-check

/**
 * @typedef {object} InferenceState the traits of its controls
 * @property {number} num_tasks
 * @property {number} task
 * @property {Method} method
 * @property {Objective} objective
 * @property {number} step
 * @property {number} outputs
 * @property {number} sparsity
 * @property {number} digit a test image, or -1 for a drawing
 * @property {boolean} plain whether words stand for symbols
 */

supsup.aboutInference = (() => {
  const { percent } = supsup.format;

  const CLASSES = 10;
  const METHODS = {
    one_shot: "One-Shot: 1 gradient",
    binary: "Binary: halving",
    exhaustive: "every mask: k passes",
  };
  const SYMBOLS = { entropy: "H", superfluous: "G" };

  /** @param {number} outputs */
  const outputsInWords = (outputs) =>
    `${outputs} (${outputs > CLASSES ? outputs - CLASSES : "none"} superfluous)`;

  /**
   * The chart of votes: a bar for each mask.
   * @param {Inference} inference
   * @param {InferenceState} state
   * @returns {BarData}
   */
  function votesOf({ values, shown, chosen, steps, step }, { task, method, objective, plain }) {
    const exhaustive = method === "exhaustive";
    const settled = exhaustive || step === steps.length - 1;
    const right = task === chosen;
    const kinds = values.map((_, mask) => {
      const dropped = exhaustive || shown.masks.includes(mask) ? "" : "dropped";
      return `${mask === task ? "true" : ""} ${dropped}`;
    });
    /** @type {[number, string, string][]} */
    const marks = [];
    if (settled) marks.push([chosen, right ? "✓" : "?", right ? "" : "wrong"]);
    if (task < values.length && !(settled && right)) marks.push([task, "▼", "red"]);
    const low = Math.min(0, ...values);
    const top = Math.max(...values, low + 1e-6);
    const largest = plain ? "tallest bar" : `largest −∂${SYMBOLS[objective]}/∂α`;
    const what = exhaustive ? "lowest entropy" : largest;
    const alt = `Of ${values.length} masks, mask ${chosen} has the ${what}.`;
    return { values, kinds, marks, low, high: top + 0.1 * (top - low), alt };
  }

  /** @param {InferenceState} state */
  function captionOfVotes({ method, objective, plain }) {
    if (method === "exhaustive")
      return "entropy H under each mask by itself (nats): the lowest wins";
    if (plain) return "how much the network would like more of each mask: the tallest bar wins";
    return `−∂${SYMBOLS[objective]}/∂αᵢ (nats), one for each mask: the largest wins`;
  }

  /**
   * @param {Inference} inference
   * @param {InferenceState} state
   * @param {number | null} label of the image, null for a drawing
   */
  function findingOf(inference, { num_tasks: k, task, method, plain }, label) {
    const { chosen, digit, alone, steps } = inference;
    const by = {
      one_shot: plain ? "The network" : "One-Shot",
      binary: `Binary, in ${steps.length - 1} halvings,`,
      exhaustive: "The lowest entropy",
    };
    const right = chosen === task;
    const wrong = `wrong, it is task ${task}`;
    const unknown = `wrong, since task ${task} is not among the ${k} it knows`;
    const verdict = task >= k ? unknown : right ? "right" : wrong;
    const isDigit = digit < CLASSES;
    const reads = isDigit ? `a ${digit}` : `output ${digit}, which is no digit`;
    const classRight = label === null ? null : label === digit;
    const compared = { true: ": right", false: `: wrong, it is a ${label}`, null: "" };
    const share = percent(Math.max(...alone));
    return {
      mask: { words: `mask ${chosen}`, right },
      class: { words: isDigit ? `digit ${digit}` : `output ${digit}`, right: classRight },
      choice: `${by[method]} chooses mask ${chosen}: ${verdict}.`,
      reading: `Under it the network reads ${reads} (${share})${compared[`${classRight}`]}.`,
    };
  }

  /**
   * How many of the images that were asked for were told apart.
   * @param {Score} score
   * @param {InferenceState} state
   */
  function scoreInWords({ asked, found, read }, { num_tasks: k, method, plain }) {
    const by = {
      one_shot: plain ? "One gradient" : "One-Shot",
      binary: "Binary",
      exhaustive: "The lowest entropy",
    };
    return (
      `${by[method]} finds the task of ${found} of ${asked} images, each shuffled by one of ` +
      `${k} tasks; with it, ${read} digits are read right.`
    );
  }

  return { CLASSES, METHODS, outputsInWords, votesOf, captionOfVotes, findingOf, scoreInWords };
})();
