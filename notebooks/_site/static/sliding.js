// What is too wide for the page slides under the finger; here the keyboard learns to slide it, too.
// The theme does so once, when the page loads. This goes on: for what a prediction uncovers, for
// what loads later, for a phone that is turned.
// @ts-check
(() => {
  const observer = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      if (target.scrollWidth > target.clientWidth) target.setAttribute("tabindex", "0");
      else target.removeAttribute("tabindex");
    }
  });
  for (const part of document.querySelectorAll(".cell .output, .cell pre, .widget-still"))
    observer.observe(part);
})();
