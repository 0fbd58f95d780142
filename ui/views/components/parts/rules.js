// The rules of a cohort, a row each. Rows are kept here while a person types; the server hears of every change with all
// rows, and its answer never touches a field that somebody is in. Every word from outside is set as a text or a value.
const COLUMNS = ["use", "by", "condition", "at_least", "says", "of_patient", "group", "holds", "what"];
const held = new WeakMap();
const make = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "on") for (const [event, act] of Object.entries(value)) node.addEventListener(event, act);
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children);
  return node;
};

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const root = parentElement.querySelector(".rules");
  const state = held.get(root) ?? { version: null, rows: [], past: [], now: "" };
  held.set(root, state);
  // The past is kept here: the server may see several quick changes as one
  const send = () => {
    const now = JSON.stringify(state.rows);
    if (now === state.now) return;
    state.past = [...state.past.slice(-49), state.now];
    tell(now);
  };
  const tell = (now) => {
    state.now = now;
    root.querySelector(".undo").disabled = !state.past.length;
    setTriggerValue("act", { rows: state.rows, version: state.version, n: Date.now() });
  };
  const { words } = data;
  const page = getComputedStyle(root).getPropertyValue("--st-background-color").trim();
  root.style.colorScheme = /^#(f|e|d)/i.test(page) || /^rgb\((2[0-9]{2}|1[6-9][0-9])/.test(page) ? "light" : "dark";
  // Includes are counted before excludes, so they stand before them
  const sort = (rows) => [...rows.filter((row) => row.use !== "exclude"), ...rows.filter((row) => row.use === "exclude")];
  const place = (row) => state.rows.indexOf(row);
  const say = (text) => { root.querySelector(".said").textContent = text; };
  const focus = (row, what) => {
    const line = root.querySelectorAll(".rule")[place(row)];
    const target = line?.querySelector(`[data-at="${what}"]:not([disabled])`) ?? line?.querySelector('[data-at="condition"]');
    target?.focus();
  };
  const changed = (rows, row = null, what = "", told = "") => {
    state.rows = sort(rows);
    draw();
    if (row) focus(row, what);
    if (told) say(told);
    send();
  };
  const set = (row, column, value, again = false) => {
    if (row[column] === value) return;
    row[column] = value;
    if (again) changed(state.rows, row, column);
    else send();
  };
  const neighbour = (row, step) => {
    const other = state.rows[place(row) + step];
    return other && (other.use === "exclude") === (row.use === "exclude") ? other : null;
  };
  const move = (row, step, what) => {
    const other = neighbour(row, step);
    if (!other) return;
    const rows = [...state.rows], at = place(row);
    [rows[at], rows[at + step]] = [rows[at + step], rows[at]];
    changed(rows, row, what, `Row ${at + 1} is now row ${at + step + 1}`);
  };
  const full = () => {
    if (state.rows.length < data.most) return false;
    say(`There are ${data.most} rows, and no more can be had`);
    return true;
  };
  const copy = (row) => {
    if (full()) return;
    const rows = [...state.rows], twin = { ...row };
    rows.splice(place(row) + 1, 0, twin);
    changed(rows, twin, "condition", `Row ${place(row) + 1} copied`);
  };
  const remove = (row) => {
    const at = place(row), rows = state.rows.filter((one) => one !== row);
    if (!rows.length) rows.push({ ...data.empty });
    changed(rows, rows[Math.min(at, rows.length - 1)], "remove", `Row ${at + 1} removed`);
  };
  const add = () => {
    if (full()) return;
    const row = { ...data.empty };
    changed([...state.rows, row], row, "condition");
  };
  const undo = () => {
    if (!state.past.length) return;
    const before = state.past[state.past.length - 1];
    state.past = state.past.slice(0, -1);
    state.rows = JSON.parse(before);
    draw();
    say("Taken back");
    tell(before);
  };

  const choice = (row, column, options, label, again = false) => make("select", { "data-at": column, "aria-label": label,
    on: { change: (event) => set(row, column, event.target.value, again) } },
    ...options.map((one) => make("option", { value: one, selected: row[column] === one }, one)));
  const field = (row, column, label, more = {}) => make("input", { "data-at": column, "aria-label": label, value: row[column] ?? "",
    autocomplete: "off", spellcheck: "false", ...more, on: { change: (event) => {
      const text = event.target.value.trim();
      if (column !== "at_least") return set(row, column, text, column === "group");
      const value = text === "" ? null : Number(text);
      if (value === null || Number.isFinite(value)) set(row, column, value);
    } } });
  const act = (sign, label, name, can, doing) => make("button", { type: "button", "data-at": name, "aria-label": label, title: label,
    disabled: !can, on: { click: doing } }, sign);
  const cell = (name, ...children) => make("span", { class: `cell ${name}` }, ...children);

  const line = (row, at) => {
    const n = at + 1, of = (what) => `${what}, row ${n}`;
    const wrong = data.wrong[at] ?? "";
    const compares = row.by !== "filter";
    const node = make("li", { class: `rule ${row.use}${wrong ? " wrong" : ""}`, on: { keydown: (event) => {
      if (!event.altKey || event.ctrlKey || event.metaKey) return;
      const name = event.target.dataset?.at ?? "condition";
      const keys = { ArrowUp: () => move(row, -1, name), ArrowDown: () => (event.shiftKey ? copy(row) : move(row, 1, name)) };
      if (!keys[event.key]) return;
      event.preventDefault();
      event.target.blur(); // what was typed counts before the row moves
      keys[event.key]();
    } } },
      make("span", { class: "n", "aria-hidden": "true" }, String(n)),
      cell("use", choice(row, "use", words.use, of("Include or exclude"), true)),
      cell("by", choice(row, "by", words.by, of("Kind of rule"), true)),
      cell("condition", field(row, "condition", of("Condition"), { placeholder: words.hints[row.by],
        "aria-invalid": wrong ? "true" : null, "aria-describedby": wrong ? `wrong-${at}` : null })),
      cell("more",
        ...(compares ? [make("label", {}, "cosine from ", field(row, "at_least", of("Cosine from"), { type: "number", min: -1, max: 1, step: 0.01 }))] : []),
        ...(row.by === "text" ? [make("label", {}, "says ", choice(row, "says", words.says, of("Assertion")))] : []),
        make("label", {}, make("input", { type: "checkbox", "data-at": "of_patient", checked: row.of_patient,
          "aria-label": of("Any study of the patient"), on: { change: (event) => set(row, "of_patient", event.target.checked) } }), " any study of the patient"),
        make("label", { title: words.group }, "group ", field(row, "group", of("Group letter"), { maxlength: 2 })),
        ...(row.group ? [make("label", {}, "holds ", choice(row, "holds", words.holds, of("How many of the group hold")))] : []),
        make("label", { class: "grow" }, "name ", field(row, "what", of("Name in the counts"), { placeholder: "as the condition", maxlength: 120 }))),
      cell("acts",
        act("↑", of("Move up"), "up", neighbour(row, -1), () => move(row, -1, "up")),
        act("↓", of("Move down"), "down", neighbour(row, 1), () => move(row, 1, "down")),
        act("copy", of("Duplicate"), "copy", true, () => copy(row)),
        act("×", of("Remove"), "remove", state.rows.length > 1 || row.condition, () => remove(row))));
    if (wrong) node.append(make("span", { class: "why", id: `wrong-${at}` }, wrong));
    return node;
  };
  const draw = () => {
    root.querySelector("ol").replaceChildren(...state.rows.map(line));
    root.querySelector(".undo").disabled = !state.past.length;
  };
  if (!root.firstChild) {
    root.append(make("ol", { "aria-label": "Rules" }),
      make("div", { class: "foot" }, make("button", { type: "button", class: "add" }, "Add a rule"),
        make("button", { type: "button", class: "undo" }, "Undo"), make("span", { class: "said", role: "status" })));
  }
  root.querySelector(".add").onclick = add;
  root.querySelector(".undo").onclick = undo;
  root.onkeydown = (event) => {
    if (event.altKey && event.code === "KeyZ") { event.preventDefault(); event.target.blur(); undo(); root.querySelector(".undo").focus(); }
  };
  const inside = root.getRootNode().activeElement;
  if (data.version !== state.version || !root.querySelector(".rule")) {
    state.version = data.version;
    state.rows = data.rows.map((row) => Object.fromEntries(COLUMNS.map((name) => [name, row[name]])));
    [state.past, state.now] = [[], JSON.stringify(state.rows)];
    draw();
  } else {
    // Drawn again with the same rows: only what is wrong with them may be new
    const at = inside?.closest?.(".rule") ? [...root.querySelectorAll(".rule")].indexOf(inside.closest(".rule")) : -1;
    root.querySelectorAll(".rule").forEach((node, number) => {
      if (number === at || !state.rows[number]) return;
      node.replaceWith(line(state.rows[number], number));
    });
    const here = root.querySelectorAll(".rule")[at];
    if (here) { // somebody is in it, so nothing in it is replaced
      const field = here.querySelector('[data-at="condition"]'), why = data.wrong[at] ?? "";
      here.querySelector(".why")?.remove();
      here.classList.toggle("wrong", Boolean(why));
      for (const [name, value] of [["aria-invalid", "true"], ["aria-describedby", `wrong-${at}`]]) {
        if (why) field.setAttribute(name, value); else field.removeAttribute(name);
      }
      if (why) here.append(make("span", { class: "why", id: `wrong-${at}` }, why));
    }
  }
}
