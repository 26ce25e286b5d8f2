// What the stream explorer says: of a whole run, and of one decision. Uses numbers, format, nu and
// runs.
// @ts-check

/**
 * A run of a learner over a stream.
 * @typedef {object} StreamRun
 * @property {Runs} used masks
 * @property {Decision[]} decisions
 * @property {number} masks it ended with
 * @property {number} purity
 * @property {number} false_alarms
 * @property {number} misses
 * @property {number} returns of a task
 * @property {number} recognised of these
 */

supsup.aboutStream = (() => {
  const { indexOfMax } = supsup.numbers;
  const { fourDigits, plural } = supsup.format;
  const { NEW, nuOf, heightOf, knownByNu, replay } = supsup.nu;
  const { numberAt } = supsup.runs;

  /** @param {number} eps @param {boolean} byPaper */
  const learnerOf = (eps, byPaper) => (byPaper ? `With ε = ${eps}` : "By evidence");

  /**
   * @param {StreamRun} run
   * @param {number} tasks in the stream
   * @param {number} eps
   * @param {boolean} byPaper the run followed the paper's rule
   */
  const summaryOf = (run, tasks, eps, byPaper) =>
    `${learnerOf(eps, byPaper)} the learner ends with ${plural(run.masks, "mask")}: ` +
    `${tasks} tasks, plus ${plural(run.false_alarms, "false alarm")}, ` +
    `minus ${plural(run.misses, "miss")}. ` +
    `Of ${plural(run.returns, "return")}, ${run.recognised} found the old mask.`;

  /**
   * What the run has to do with this epsilon.
   * @param {StreamRun} run
   * @param {number} eps
   * @param {boolean} byPaper
   */
  function noteOf(run, eps, byPaper) {
    if (byPaper)
      return (
        "This is a whole run with this ε: what was decided early shaped all masks that came " +
        "later."
      );
    const { total, splits, merges } = replay(run.decisions, eps);
    return (
      `Here ε decides nothing. The paper's test with ε = ${eps}, put to each gradient of this ` +
      `run by itself, would split a task ${splits} times and merge two ${merges} times, ` +
      `in ${total} decisions. A run that followed it would have got other masks.`
    );
  }

  /** @param {Decision} decision */
  function actionOf(decision) {
    if (decision.new) return `It allocated mask ${decision.mask}.`;
    if (decision.mask < 0) return "It set the batch aside for now.";
    return `It went on with mask ${decision.mask}.`;
  }

  /**
   * One decision: the bars of k nu, and what the test and the learner made of it.
   * @param {Decision} decision
   * @param {number} task the true one, below 0 for noise
   * @param {number} eps
   * @param {boolean} byPaper
   */
  function decisionOf(decision, task, eps, byPaper) {
    const { gradient, known, step } = decision;
    const k = gradient.length;
    const heights = nuOf(gradient).map((share) => k * share);
    const best = indexOfMax(heights);
    const highest = heights[best];
    const choice = knownByNu(gradient, eps);
    const threshold = fourDigits(1 + eps);
    const truth = task < 0 ? "noise" : `task ${task}, ${known ? "which it knew" : "new to it"}`;

    /** @param {boolean} saidKnown */
    const gradeOf = (saidKnown) => {
      if (task < 0) return "";
      if (saidKnown === known) return " Right.";
      return known
        ? " A false alarm: it had learned this task."
        : " A miss: it had never seen this task.";
    };
    const side = highest < 1 + eps ? "below" : "not below";
    const reason =
      best === k - 1
        ? "the untrained mask has the largest bar"
        : `the largest bar is ${highest.toFixed(3)}, ${side} ${threshold}`;
    const chosen = choice === NEW ? "a new mask" : `mask ${choice}`;
    const test = `The paper's test: ${reason}, so ${chosen}.`;
    const action = actionOf(decision);
    const sentence = byPaper
      ? `${test} ${action}${gradeOf(!decision.new)}`
      : `${test}${gradeOf(choice !== NEW)} Evidence: ${action[0].toLowerCase()}${action.slice(1)}`;

    const winner = best === k - 1 ? "the untrained mask's" : `mask ${best}'s`;
    const largest = `the largest, ${fourDigits(highest)}, is ${winner}`;
    return {
      caption: `k νᵢ at batch ${step} (${truth}): one bar for each of k = ${k} candidates`,
      bars: {
        values: heights,
        kinds: heights.map((_, i) => (i === k - 1 ? "extra" : i === choice ? "chosen" : "")),
        labels: heights.map((_, i) => (i === k - 1 ? "new" : i)),
        high: 1.2 * Math.max(highest, 1 + eps),
        threshold: { at: 1 + eps, words: `1 + ε = ${threshold}` },
        alt: `k nu of ${k} candidates at batch ${step}; ${largest}.`,
      },
      sentence,
    };
  }

  /**
   * A row of the table.
   * @param {Decision} decision
   * @param {Runs} truth
   * @param {number} eps
   */
  function rowOf(decision, truth, eps) {
    const choice = knownByNu(decision.gradient, eps);
    const task = numberAt(truth, decision.step);
    const action = decision.mask < 0 ? "set aside" : `mask ${decision.mask}`;
    return [
      decision.step,
      task < 0 ? "noise" : task,
      heightOf(decision.gradient).toFixed(6),
      choice === NEW ? "new" : `mask ${choice}`,
      decision.new ? `new mask ${decision.mask}` : action,
    ];
  }

  return { summaryOf, noteOf, decisionOf, rowOf };
})();
