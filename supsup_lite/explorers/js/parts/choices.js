// A question with answers to choose from. A click answers. With the keyboard, arrow keys move the
// choice, and Enter or the space bar answers, so that nobody answers by passing. Uses elements.
// @ts-check

/** @typedef {{ text: string, right: boolean, feedback: string }} Choice */
/** @typedef {{ question: string, answers: Choice[], lesson?: string }} Question */

supsup.choices = (() => {
  const { element } = supsup.elements;

  /** What to do, for those who have a keyboard. */
  const keysHint = () =>
    element("p", {
      className: "keys",
      textContent: "With the keyboard: arrow keys choose, Enter answers.",
    });

  /**
   * A form, since its radio buttons are a group of their own, whatever else is on the page.
   * @param {Question} question
   * @param {(i: number) => void} answer is told which answer was given
   */
  function choices({ question, answers, lesson }, answer) {
    let passing = false; // the click to come is an arrow key's
    /** @type {number | null} */
    let shown = null;

    /** The same again says nothing new. @param {number} i */
    const give = (i) => i !== shown && answer(i);

    const inputs = answers.map((_, i) =>
      element("input", {
        type: "radio",
        name: "answer",
        onclick() {
          if (!passing) give(i);
          passing = false;
        },
      }),
    );
    const rows = answers.map(({ text }, i) =>
      element("div", { className: "answer" }, element("label", {}, inputs[i], text)),
    );
    const source = element("small", { textContent: lesson ? `Lesson ${lesson}` : "" });
    const legend = element("legend", {}, ...(lesson ? [source] : []), question);
    const fieldset = element("fieldset", {}, legend, ...rows);
    fieldset.addEventListener("pointerdown", () => (passing = false));
    fieldset.addEventListener("keydown", (event) => {
      passing = event.key.startsWith("Arrow");
      const focused = inputs.findIndex((input) => input === event.target);
      if (!["Enter", " "].includes(event.key) || focused < 0) return;
      event.preventDefault(); // Enter would send a form
      give(focused);
    });

    /**
     * @param {number | null} given
     * @param {string} [verdict] the class of the given answer
     * @param {HTMLElement} [feedback] stands below it
     */
    const show = (given, verdict = "", feedback) => {
      for (const [i, row] of rows.entries()) {
        row.className = i === given ? `answer given ${verdict}` : "answer";
        if (given !== shown) inputs[i].checked = i === given;
      }
      shown = given;
      if (given === null) feedback?.remove();
      else if (feedback) rows[given].append(feedback);
    };
    return Object.assign(element("form", { className: "question" }, fieldset), { inputs, show });
  }

  return { choices, keysHint };
})();
