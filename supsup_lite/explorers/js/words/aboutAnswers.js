// What the quiz and the prediction say to an answer.
// @ts-check

supsup.aboutAnswers = (() => {
  /** @param {Choice} answer */
  const verdictOf = ({ right }) => (right ? "Right." : "Not quite.");

  /**
   * @param {Question[]} questions
   * @param {(number | null)[]} given the answer to each, if any
   */
  function scoreOf(questions, given) {
    const right = given.filter((i, q) => i !== null && questions[q].answers[i].right).length;
    const open = given.filter((i) => i === null).length;
    return `${right} of ${questions.length} right${open ? `, ${open} to go` : ""}`;
  }

  /**
   * @param {Choice} answer
   * @param {boolean} running whether there is a next cell to run
   */
  const committed = ({ text }, running) =>
    `You predicted: “${text.replace(/\.$/, "")}”. ` +
    (running ? "Now run the next cell." : "Now look at what comes below.");

  return { verdictOf, scoreOf, committed };
})();
