// "/" goes to the search box, "?" opens the sheet of shortcuts.
const held = new WeakMap();
export default function (component) {
  const { data, parentElement } = component;
  const sheet = parentElement.querySelector("dialog");
  const list = sheet.querySelector("dl");
  list.replaceChildren(...data.flatMap(([key, told]) => {
    const term = document.createElement("dt");
    term.textContent = key;
    const meaning = document.createElement("dd");
    meaning.textContent = told;
    return [term, meaning];
  }));
  const open = () => (sheet.open ? sheet.close() : sheet.showModal());
  const button = parentElement.querySelector(".open");
  const keys = (event) => {
    if (typing(event)) return;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const box = document.querySelector('input[aria-label="Search"]');
    if (event.key === "?") { event.preventDefault(); open(); }
    if (event.key === "/" && box) { event.preventDefault(); box.focus(); box.select(); }
  };
  // While the sheet lies over the page its keys reach nothing behind it
  const over = (event) => {
    if (!sheet.open) return;
    event.stopImmediatePropagation();
    if (event.key === "?") { event.preventDefault(); sheet.close(); }
  };
  held.get(sheet)?.();
  const stop = () => {
    window.removeEventListener("keydown", over, true);
    document.removeEventListener("keydown", keys);
    button.removeEventListener("click", open);
  };
  held.set(sheet, stop);
  button.addEventListener("click", open);
  document.addEventListener("keydown", keys);
  window.addEventListener("keydown", over, true);
  oneAddressAnAct();
  return () => held.get(sheet)?.();
}
