// What stands beside the viewer: a rail of series or of other studies, or the report sentence by sentence. Words are text nodes.
const make = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children.filter((child) => child !== ""));
  return node;
};
export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const root = parentElement.querySelector(".side");
  const page = getComputedStyle(root).getPropertyValue("--st-background-color").trim();
  root.className = /^#(f|e|d)/i.test(page) ? "side light" : "side";
  const act = (told) => setTriggerValue("act", { ...told, n: Date.now() });
  const rail = (one) => {
    const node = make("button", one.study ? { title: "Open this study" } : { "aria-pressed": String(one.chosen) },
      one.png ? make("img", { src: `data:image/png;base64,${one.png}`, alt: "" }) : make("div", { class: "none" }),
      make("span", {}, make("div", { class: "name" }, one.name), make("div", { class: "facts" }, one.facts)));
    node.addEventListener("click", () => act(one.study ? { do: "study", study: one.study } : { do: "series", volume: one.volume }));
    return node;
  };
  const report = (one) => {
    if (one.head) return make("h3", {}, one.head);
    const node = make("button", { title: "Find studies that say this" },
      one.assertion ? make("span", { class: `mark ${one.assertion}` }, one.normal ? "normal" : one.assertion === "historical" ? "history" : one.assertion) : "", make("bdi", {}, one.text));
    node.addEventListener("click", () => act({ do: "ask", text: one.text }));
    return node;
  };
  drawKeepingFocus(root, () => root.replaceChildren(make("div", { class: data.kind, role: "group", "aria-label": data.label },
    ...data.rows.map(data.kind === "rail" ? rail : report))));
}
