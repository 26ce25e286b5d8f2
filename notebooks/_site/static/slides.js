// The slides of a lesson: formulas are drawn, then reveal.js takes over. Uses reveal.js and KaTeX,
// which lie beside it. A classic script, so that it also runs from file://.
// @ts-check

(() => {
  "use strict";
  const { Reveal, RevealNotes, katex } = /** @type {any} */ (window);

  for (const place of document.querySelectorAll(".tex")) {
    if (!(place instanceof HTMLElement)) continue;
    // The speaker's window has no style sheet of KaTeX: MathML needs none.
    const output = place.closest("aside") ? "mathml" : "htmlAndMathml";
    const displayMode = place.tagName === "DIV";
    katex.render(place.dataset.tex, place, { displayMode, output, throwOnError: false });
  }

  Reveal.initialize({
    disableLayout: true, // slides are pages that scroll, so that explorers work and nothing is cut
    transition: "none",
    hash: true,
    slideNumber: "h.v",
    plugins: [RevealNotes],
  });
})();
