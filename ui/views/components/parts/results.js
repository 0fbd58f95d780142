// The list of results. Every word from outside is set as a text node.
const make = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "on") for (const [event, act] of Object.entries(value)) node.addEventListener(event, act);
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== ""));
  return node;
};
const WORDS = { historical: "history" };
const held = new WeakMap();

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const root = parentElement.querySelector(".results");
  const fresh = !held.has(root);
  const state = held.get(root) ?? { at: -1 };
  held.set(root, state);
  state.picked ??= data.picked ?? [];

  // What is done counts once: it is numbered, and sent again while the server draws without having heard of it, since
  // Streamlit lets a press go where the next comes at once.
  state.sent = (state.sent ?? []).filter((one) => one.n > data.heard);
  const send = () => { if (state.sent.length && root.isConnected) setTriggerValue("act", { acts: state.sent }); };
  clearTimeout(state.again);
  if (state.sent.length) state.again = setTimeout(send, 1000);
  const act = (told) => {
    const n = Math.max(Date.now(), data.heard + 1, (state.sent.at(-1)?.n ?? 0) + 1);
    state.sent.push({ ...told, words: data.words, n });
    send();
  };
  const page = getComputedStyle(root).getPropertyValue("--st-background-color").trim();
  const light = /^#(f|e|d)/i.test(page) || /^rgb\((2[0-9]{2}|1[6-9][0-9])/.test(page);
  root.className = light ? "results light" : "results";

  const gone = (one, place) => make("button", { class: "x", "aria-label": `Remove ${one.text}`, on: { click: () => act({ do: "chip", place, text: "" }) } }, "×");
  const offer = (one, place) => make("span", { class: `chip offer ${one.on ? "on" : "off"}` },
    make("button", { "aria-pressed": String(one.on), title: one.why || (one.on ? "A condition: click to take the words as words" : "Offered: click to make it a condition"),
      on: { click: () => act({ do: "offer", key: one.key, on: !one.on }) } }, one.text),
    one.on ? gone(one, place) : ""); // the words of one that is off have a chip of their own
  const fixed = (one, place) => make("span", { class: `chip ${one.kind}` },
    make("span", { class: "said", title: one.label }, one.text), gone(one, place));
  const chip = (one, place) => {
    if (one.kind === "offer") return offer(one, place);
    if (one.kind === "identifier" || one.kind === "report") return fixed(one, place);
    const box = make("span", { class: `chip ${one.kind}` });
    const draw = () => box.replaceChildren(
      make("button", { title: one.label ? `${one.label}: click to edit` : "Edit", on: { click: edit } }, one.text),
      gone(one, place),
    );
    const edit = () => {
      const input = make("input", { value: one.text, "aria-label": `Edit ${one.text}` });
      input.addEventListener("keydown", (event) => {
        event.stopPropagation();
        if (event.key === "Enter") act({ do: "chip", place, text: input.value });
        if (event.key === "Escape") { draw(); box.querySelector("button").focus(); }
      });
      input.addEventListener("blur", draw);
      box.replaceChildren(input);
      input.select();
      input.focus();
    };
    draw();
    return box;
  };
  const filter = (one) => make("span", { class: "chip filter" },
    make("span", { class: "said", title: one.label }, one.text),
    make("button", { class: "x", "aria-label": `Remove filter ${one.label}: ${one.text}`, on: { click: () => act({ do: "filter", key: one.key }) } }, "×"));

  const film = (one, place) => make("figure", { class: place ? "" : "key" },
    one.png ? make("img", { src: `data:image/png;base64,${one.png}`, alt: one.name || one.facts.join(" "), loading: "lazy" })
      : make("div", { class: "none" }),
    make("figcaption", {}, make("span", { class: "facts" }, one.facts.join(" · ") || one.name || "unknown"),
      place || !one.scanner ? "" : make("div", {}, one.scanner),
      one.told ? make("div", { class: "told" }, `predicted: ${one.told}`) : ""));

  const sentence = (one) => make("p", { class: "sentence" },
    one.assertion ? make("span", { class: `mark ${one.assertion}` }, one.normal ? "normal" : WORDS[one.assertion] ?? one.assertion) : "",
    make("span", { class: "section" }, one.section),
    one.against ? make("span", { class: "against" }, one.against) : "",
    make("bdi", {}, ...one.pieces.map((piece) => (piece.hit ? make("mark", {}, piece.t) : document.createTextNode(piece.t)))));

  const meter = (one) => make("div", { class: "meter", title: `best ${one.name} similarity ${one.value}` }, one.name,
    make("div", {}, make("i", { style: `width:${Math.round(100 * one.share)}%` })), one.value.toFixed(2));

  // A thumb that would do nothing stays in the order of tabs: who comes to it, or presses its key, reads why.
  const judge = (hit, verdict, row) => (data.no_thumbs ? refuse(row)
    : act({ do: "thumb", uid: hit.uid, verdict: hit.verdict === verdict ? 0 : verdict }));
  const refuse = (row) => { if (row) row.querySelector(".why").textContent = data.no_thumbs; };
  const thumb = (hit, verdict, sign, label) => make("button", { class: "thumb",
    "aria-label": label, title: data.no_thumbs || label, "aria-disabled": data.no_thumbs ? "true" : null,
    "aria-pressed": String(hit.verdict === verdict), on: {
      focus: (event) => { if (data.no_thumbs && event.target.matches(":focus-visible")) refuse(event.target.closest(".row")); },
      click: (event) => judge(hit, verdict, event.target.closest(".row")) } }, sign);

  const row = (hit, place) => {
    const open = () => act({ do: "open", study: hit.study });
    return make("article", { class: "row", tabindex: place ? "-1" : "0", "data-study": hit.study ?? "", "aria-label": `Result ${hit.rank}`,
      on: { focus: () => { state.at = place; mark(); } } },
      make("div", { class: "rank" }, String(hit.rank)),
      make("div", { class: "head" },
        hit.study === null ? make("span", {}, hit.name) : make("button", { class: "name", on: { click: open } }, hit.name),
        hit.priors ? make("span", { class: "prior" }, `${hit.priors} other ${hit.priors === 1 ? "study" : "studies"} of this patient`) : ""),
      make("div", { class: "films" }, ...hit.series.map(film),
        hit.study !== null && !hit.series.length ? make("span", { class: "prior" }, "No series of this study passes the filters.") : "",
        hit.more_series ? make("span", { class: "prior" }, `+${hit.more_series} series`) : ""),
      make("div", { class: "words" }, ...hit.sentences.map(sentence), hit.where ? make("div", { class: "where" }, hit.where) : "",
        hit.report ? make("details", {}, make("summary", {}, "The whole report"), make("pre", { dir: "auto" }, hit.report)) : ""),
      make("div", { class: "side" }, ...hit.bars.map(meter), hit.study === null ? "" : make("div", { class: "acts" },
        make("button", { title: "More like this (m)", on: { click: () => act({ do: "like", uid: hit.uid, name: hit.name }) } }, "like"),
        make("button", { class: "pick", "aria-pressed": String(state.picked.includes(hit.study)), title: "Pick for comparing (x)", on: { click: () => pick(hit.study) } }, "compare"),
        thumb(hit, 1, "+", "This fits (u)"), thumb(hit, -1, "−", "This does not fit (d)"),
        data.no_thumbs ? make("p", { class: "why", role: "status" }) : "")));
  };

  const pick = (study) => {
    state.picked = state.picked.includes(study) ? state.picked.filter((one) => one !== study) : [...state.picked, study].slice(-4);
    act({ do: "pick", studies: state.picked });
    render();
  };
  let rows = [];
  const mark = () => rows.forEach((one, place) => {
    one.setAttribute("aria-current", String(place === state.at));
    one.tabIndex = place === Math.max(state.at, 0) ? 0 : -1;
  });
  const move = (step) => {
    if (!rows.length) return;
    state.at = Math.min(Math.max(state.at + step, 0), rows.length - 1);
    rows[state.at].focus({ preventScroll: true });
    rows[state.at].scrollIntoView({ block: "nearest" });
    mark();
  };

  const render = () => drawKeepingFocus(root, () => {
  rows = data.hits.map(row);
  root.replaceChildren(
    data.chips.length + data.filters.length ? make("div", { class: "chips", role: "group", "aria-label": "What is searched for" }, ...data.chips.map(chip), ...data.filters.map(filter)) : "",
    data.corrected ? make("div", { class: "corrected", role: "status" }, "Showing what was found for ", make("b", {}, data.corrected), " ",
      make("button", { on: { click: () => act({ do: "as-typed" }) } }, "Search for what was typed")) : "",
    data.ignored.length ? make("div", { class: "ignored" }, `Left out: ${data.ignored.join("; ")}`) : "",
    data.nothing ? make("div", { class: "nothing", role: "status" }, make("b", {}, data.chips.some((one) => one.kind === "unwanted") ? "Nothing relevant is left" : "Nothing relevant found"),
      "Questions that have nothing to do with MR come as near as this one. What follows is merely the nearest.") : "",
    ...data.notes.map((note) => make("div", { class: "note", role: "status" }, note)),
    make("div", { class: "bar", role: "status" }, make("span", {}, data.said),
      data.thumbs ? make("button", { "data-at": "refine", "aria-pressed": String(data.refined), on: { click: () => act({ do: "refine", on: !data.refined }) } },
        `refine by ${data.thumbs} ${data.thumbs === 1 ? "thumb" : "thumbs"}`) : ""),
    data.weighed ? make("details", { class: "weighed" }, make("summary", {}, "Why scans count so much"), data.weighed) : "",
    ...rows.flatMap((one, place) => (data.hits[place].fits || (place && !data.hits[place - 1].fits) ? [one]
      : [make("div", { class: "fold", role: "separator" }, make("b", {}, "Less alike"), "Nothing in these says all of what was asked."), one])),
    data.more ? make("div", { class: "foot" }, make("button", { on: { click: () => act({ do: "more", seen: data.hits.length }) } }, "Show more")) : "",
    state.picked.length ? make("div", { class: "picked" }, `${state.picked.length} of 4 picked`,
      make("button", { disabled: state.picked.length < 2, on: { click: () => act({ do: "compare", studies: state.picked }) } }, "Compare side by side"),
      make("button", { on: { click: () => { state.picked = []; act({ do: "pick", studies: [] }); render(); } } }, "Clear")) : "",
  );
  mark();
  }, () => rows[Math.max(state.at, 0)]);
  render();

  // Turning pages leaves an address of the page before under this list: put its own there, so that it can be reloaded.
  if (data.place && new URLSearchParams(location.search).get("search") !== data.place)
    history.replaceState(history.state, "", `${location.pathname}?search=${encodeURIComponent(data.place)}`);

  // Where the list was left: by the search's random key, in this tab alone.
  const scroller = (root.getRootNode().host ?? root).closest('[data-testid="stMain"]') ?? document.scrollingElement;
  const key = data.place ? `spinecho-place-${data.place}` : "";
  if (key && fresh) {
    const left = Number(sessionStorage.getItem(key) ?? 0);
    const again = (tries) => {
      if (!left || !root.isConnected) return;
      scroller.scrollTop = left;
      if (tries && Math.abs(scroller.scrollTop - left) > 2) setTimeout(() => again(tries - 1), 120);
    };
    requestAnimationFrame(() => again(12));
  }
  if (state.scrolled) scroller.removeEventListener("scroll", state.scrolled);
  state.scrolled = () => { if (key && root.isConnected) sessionStorage.setItem(key, String(Math.round(scroller.scrollTop))); };
  scroller.addEventListener("scroll", state.scrolled, { passive: true });

  const keys = (event) => {
    if (typing(event) || event.ctrlKey || event.metaKey || event.altKey) return;
    const hit = data.hits[state.at];
    const study = hit?.study ?? null;
    const acts = {
      j: () => move(1), k: () => move(-1), ArrowDown: () => move(1), ArrowUp: () => move(-1),
      Enter: pressed(event) || study === null ? null : () => act({ do: "open", study }),
      m: study === null ? null : () => act({ do: "like", uid: hit.uid, name: hit.name }),
      x: study === null ? null : () => pick(study),
      u: study === null ? null : () => judge(hit, 1, rows[state.at]),
      d: study === null ? null : () => judge(hit, -1, rows[state.at]),
    };
    const chosen = acts[event.key];
    if (!chosen) return;
    event.preventDefault();
    chosen();
  };
  if (state.keys) document.removeEventListener("keydown", state.keys); // the list is drawn again without being taken away
  state.keys = keys;
  document.addEventListener("keydown", keys);
  return () => {
    document.removeEventListener("keydown", state.keys);
    scroller.removeEventListener("scroll", state.scrolled);
  };
}
