
// What the components share of the keyboard. One module with each of them: component.py puts it behind.

// Letters and arrows are for a field that takes them, and shortcuts otherwise: a checkbox takes the space bar alone.
function typing(event) {
  const at = event.composedPath()[0];
  if (!(at instanceof HTMLElement)) return false;
  if (at.tagName === "INPUT") return !/^(checkbox|button|submit|reset|image)$/.test(at.type);
  return at.isContentEditable || /^(TEXTAREA|SELECT)$/.test(at.tagName);
}
// What has the focus takes space and Enter itself.
function pressed(event) {
  return /^(BUTTON|SUMMARY|A|INPUT)$/.test(event.composedPath()[0]?.tagName);
}
// Draw anew, and give the focus back to what is now what had it: by its row, its kind and its words, the first of those
// that are alike for the first. Where it is gone, to what stands for it.
function drawKeepingFocus(root, draw, instead) {
  const named = (one) => [one.closest("[data-study]")?.dataset.study, one.tagName, one.className,
    one.dataset.at ?? one.getAttribute("aria-label") ?? one.textContent].join("\n");
  const every = () => [...root.querySelectorAll("button, summary, [tabindex]")];
  const at = root.getRootNode().activeElement;
  const had = at !== root && root.contains(at);
  const [name, place] = had ? [named(at), every().filter((one) => named(one) === named(at)).indexOf(at)] : [];
  draw();
  if (!had || root.contains(at)) return;
  (every().filter((one) => named(one) === name)[place] ?? instead?.())?.focus({ preventScroll: true });
}
