// What the learning explorer says of a run: its record, and findings in words. Uses format and
// numbers.
// @ts-check

/**
 * All that is known of a run. Shares are of the test images.
 * @typedef {object} LearningRecord
 * @property {boolean} isTrained weights are trained, not masks
 * @property {number} tasks that were begun
 * @property {number} step of the last one
 * @property {number} steps of each
 * @property {number[]} losses
 * @property {number[]} flips
 * @property {number[][][]} curves for each task pairs of a step of the run and a share
 * @property {number[]} learned the share of each task that is done, right after it was
 * @property {number[]} now the share of each task, as last measured
 * @property {Uint8Array[]} answers to the test images, a digit each, right after a task was learned
 * @property {number[]} changed how many of these are others now
 * @property {number[]} recognised the share of each task's images to which One-Shot gives its mask
 */

supsup.aboutLearning = (() => {
  const { percent } = supsup.format;
  const { last, mean, range, sum } = supsup.numbers;

  /** @returns {LearningRecord} */
  const emptyRecord = (isTrained = false, steps = 0) => ({
    isTrained,
    steps,
    tasks: 0,
    step: 0,
    losses: [],
    flips: [],
    curves: [],
    learned: [],
    now: [],
    answers: [],
    changed: [],
    recognised: [],
  });

  /** @param {LearningRecord} record */
  const isDone = ({ tasks, learned }) => tasks === learned.length;

  /** The two big lines. @param {LearningRecord} record @returns {[string, string]} */
  function headlinesOf({ tasks, step, steps, now }) {
    if (!tasks) return ["task 0", "not learned yet"];
    const share = now[tasks - 1];
    const reads = share === undefined ? "…" : percent(share);
    return [`task ${tasks - 1}: ${reads}`, `step ${step} of ${steps}`];
  }

  /** What became of the tasks before the last. @param {LearningRecord} record */
  function fateOf({ isTrained, tasks, learned, now, changed }) {
    const old = range(tasks - 1);
    const before = mean(old.map((task) => learned[task]));
    const after = mean(old.map((task) => now[task]));
    const others = sum(old.map((task) => changed[task]));
    const isOne = old.length === 1;
    const several = `Tasks 0 ${tasks === 3 ? "and" : "to"} ${tasks - 2}`;
    const which = isOne ? "Task 0" : several;
    const average = isOne ? "" : " on average";
    if (!others) {
      const reads = isOne ? "reads" : "read";
      return `${which}, asked again, still ${reads} ${percent(after)}: not one answer changed.`;
    }
    const verb = after < before ? "fell" : "went";
    const why = isTrained ? "the weights were overwritten" : `${others} answers changed`;
    return `${which} ${verb} from ${percent(before)} to ${percent(after)}${average}: ${why}.`;
  }

  /** What is spoken when a task is done. @param {LearningRecord} record */
  function findingOf(record) {
    const { isTrained, tasks, learned, recognised } = record;
    const kept = isTrained ? "All weights were free to move." : "No weight has changed.";
    const done = `Task ${tasks - 1} is learned: ${percent(last(learned))} of 500 new digits.`;
    if (tasks === 1) return `${done} ${kept}`;
    const named = recognised.length ? mean(recognised) : 0;
    const share = percent(named, 1);
    const oneShot = isTrained
      ? ""
      : ` Not told the task, One-Shot names the right mask for ${share} of images.`;
    return `${done} ${fateOf(record)}${oneShot}`;
  }

  /** @param {LearningRecord} record */
  const pausedOf = ({ tasks, step, now }) =>
    `Paused at step ${step} of task ${tasks - 1}: it reads ${percent(now[tasks - 1] ?? 0)}.`;

  /** @param {LearningRecord} record @returns {[string[], (string | number)[][]]} head and rows */
  function tableOf({ learned, now, recognised }) {
    const head = ["task", "when learned", "now", "One-Shot right"];
    const rows = learned.map((share, task) => [
      task,
      share.toFixed(3),
      now[task].toFixed(3),
      recognised[task]?.toFixed(3) ?? "",
    ]);
    return [head, rows];
  }

  return { emptyRecord, isDone, headlinesOf, findingOf, pausedOf, tableOf };
})();
