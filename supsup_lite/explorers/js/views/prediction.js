// A question about what comes next: one commits to an answer, looks, and compares. A page hears of
// the answer by the event "predicted", and shows what it held back. Uses elements, model, explorer,
// choices and aboutAnswers.
// @ts-check

export default (() => {
  const { element } = supsup.elements;
  const { onChange, change } = supsup.model;
  const { explorer } = supsup.explorer;
  const { choices, keysHint } = supsup.choices;
  const { verdictOf, committed } = supsup.aboutAnswers;

  return explorer("Prediction", (host) => {
    const { model, root } = host;
    /** @type {Question} */
    const question = model.get("question");
    const form = choices(question, (answer) => change(model, { answer }));
    const said = element("p", { className: "said", role: "status" });
    const outcome = element("p");
    const summary = element("summary", { textContent: "Have you looked? Then compare." });
    const compare = element("details", { className: "compare" }, summary, outcome);

    function update() {
      /** @type {number | null} */
      const i = model.get("answer");
      form.show(i, "predicted");
      compare.hidden = i === null;
      said.textContent = i === null ? "" : committed(question.answers[i], model.get("has_kernel"));
      if (i === null) return;
      const answer = question.answers[i];
      const verdict = element("strong", { textContent: verdictOf(answer) });
      outcome.replaceChildren(verdict, ` ${answer.feedback}`);
      root.dispatchEvent(new CustomEvent("predicted", { bubbles: true }));
    }

    onChange(host, ["answer"], update);
    update();
    root.classList.add("prediction");
    const title = element("p", { className: "title", textContent: "Predict" });
    root.append(title, keysHint(), form, said, compare);
  });
})();
