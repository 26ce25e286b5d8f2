// Questions one below another, and what there is to say to each answer, as soon as it is given.
// Uses elements, model, explorer, choices and aboutAnswers.
// @ts-check

export default (() => {
  const { element } = supsup.elements;
  const { onChange, change } = supsup.model;
  const { explorer } = supsup.explorer;
  const { choices, keysHint } = supsup.choices;
  const { verdictOf, scoreOf } = supsup.aboutAnswers;

  return explorer("Quiz", (host) => {
    const { model, root } = host;
    /** @type {Question[]} */
    const questions = model.get("questions");
    /** @returns {(number | null)[]} the number of the answer to each question */
    const given = () => model.get("answers");

    const title = model.get("warm_up") ? "What do you still know?" : "What do you know now?";
    const spoken = element("p", { className: "spoken", role: "status" });
    const score = element("span", { className: "score" });
    const again = element("button", {
      type: "button",
      textContent: "Try again",
      onclick() {
        change(model, { answers: questions.map(() => null) });
        spoken.textContent = "";
        forms[0].inputs[0].focus();
      },
    });
    const feedbacks = questions.map(() => element("p", { className: "feedback" }));
    const forms = questions.map((question, q) =>
      choices(question, (i) => {
        change(model, { answers: given().map((old, other) => (other === q ? i : old)) });
        spoken.textContent = `${feedbacks[q].textContent} ${score.textContent}.`;
      }),
    );

    function update() {
      const answers = given();
      questions.forEach((question, q) => {
        const i = answers[q];
        if (i === null) return forms[q].show(null, "", feedbacks[q]);
        const answer = question.answers[i];
        const verdict = element("strong", { textContent: verdictOf(answer) });
        feedbacks[q].replaceChildren(verdict, ` ${answer.feedback}`);
        return forms[q].show(i, answer.right ? "right" : "wrong", feedbacks[q]);
      });
      score.textContent = scoreOf(questions, answers);
      again.disabled = answers.every((i) => i === null);
    }

    onChange(host, ["answers"], update);
    update();
    root.classList.add("quiz");
    root.append(
      element("p", { className: "title", textContent: title }),
      keysHint(),
      ...forms,
      element("div", { className: "result" }, score, again),
      spoken,
    );
  });
})();
