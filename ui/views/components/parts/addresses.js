
// What a person does leaves one address in the history. Streamlit puts the query of the page that it turns to on the page
// that it leaves first, and a page may name its list afterwards: Back would come to addresses that nobody was at.
function oneAddressAnAct() {
  if (history.spinecho) return;
  history.spinecho = true;
  const push = history.pushState;
  let acted = false;
  for (const kind of ["pointerdown", "keydown"]) window.addEventListener(kind, () => { acted = true; }, true);
  window.addEventListener("popstate", () => { acted = false; });
  history.pushState = function (...given) {
    if (acted) push.apply(this, given); else this.replaceState(...given);
    acted = false;
  };
}
