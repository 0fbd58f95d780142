// The viewer. The volume comes once, in RAS+, twelve bits a voxel; nothing goes back to the server to scroll.
// One module with pane.js, outlines.js and volume3d.js: ui/room/viewer.py puts them behind one another.
const TOP = 4095;
const GROUPS = (globalThis.spinechoGroups ??= new Map());
const VIEWERS = (globalThis.spinechoViewers ??= new Set());
const held = new WeakMap();
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const make = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
};

async function unpack(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  let from = 4 + length;
  const part = (size) => bytes.subarray(from, (from += size));
  const [upper, lower] = [part(head.upper), part(head.lower)];
  const [high, low] = await Promise.all([inflate(upper), head.deflated ? inflate(lower) : lower]);
  const voxels = new Uint16Array(high.length);
  for (let at = 0; at < voxels.length; at += 1) voxels[at] = low[at] | (high[at] << 8);
  const stride = [0, 0, 0]; // from a voxel to its neighbour along each axis
  head.order.reduceRight((step, axis) => { stride[axis] = step; return step * head.shape[axis]; }, 1);
  return { ...head, voxels, stride, heat: head.heat ? new Float32Array(bytes.slice(from).buffer) : null };
}
async function inflate(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

class Viewer {
  constructor(root) {
    this.root = root;
    this.tools = root.querySelector(".tools");
    this.stage = root.querySelector(".stage");
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(this.stage);
    this.keys = (event) => this.key(event);
    document.addEventListener("keydown", this.keys);
    root.addEventListener("pointerenter", () => this.activate());
    root.addEventListener("focusin", () => this.activate());
    VIEWERS.add(this);
    this.draws = 0;
  }
  stop() {
    clearInterval(this.cine);
    this.leave();
    this.observer.disconnect();
    document.removeEventListener("keydown", this.keys);
    VIEWERS.delete(this);
    GROUPS.get(this.group)?.delete(this);
  }
  async load(bytes, told) {
    performance.mark("spinecho-came");
    const volume = await unpack(bytes);
    performance.mark("spinecho-unpacked");
    if (this.id !== told.id) return; // another series was chosen meanwhile
    const kept = this.volume?.scan === volume.scan ? { window: this.window, inverted: this.inverted } : null;
    this.volume = volume;
    this.leave();
    const { shape, axis } = this.volume;
    this.axis = axis;
    this.at = shape.map((count) => Math.floor((count - 1) / 2));
    this.grain = (volume.windows[0][2] - volume.windows[0][1]) / 250;
    this.preset(0, false);
    this.inverted = false;
    Object.assign(this, kept);
    this.planes = false; this.marking = false;
    this.heat = Boolean(this.volume.heat);
    if (this.heat) this.at = shape.map((count, one) => clamp(volume.best[one] - volume.first[one], 0, count - 1));
    this.panes = [axis, ...[2, 1, 0].filter((one) => one !== axis)].map((one) => new Pane(this, one));
    this.stage.replaceChildren(...this.panes.map((pane) => pane.node));
    this.join(told.group);
    this.buttons();
    this.lay();
    this.root.dataset.ready = "true";
  }
  join(group) {
    this.group = group;
    if (!group) return;
    if (!GROUPS.has(group)) GROUPS.set(group, new Set());
    GROUPS.get(group).add(this);
  }
  get deep() { return Math.min(...this.volume.shape) >= 8; } // fewer slices are no body to turn
  activate() { VIEWERS.forEach((one) => { one.active = one === this; one.root.classList.toggle("active", one === this && VIEWERS.size > 1); }); }
  table() {
    const table = new Uint32Array(TOP + 1);
    const width = Math.max(this.window[1] - this.window[0], 1);
    for (let grey = 0; grey <= TOP; grey += 1) {
      let value = clamp(((grey - this.window[0]) / width) * 255, 0, 255) | 0;
      if (this.inverted) value = 255 - value;
      table[grey] = 0xff000000 | (value << 16) | (value << 8) | value;
    }
    return table;
  }
  scroll(step, axis = this.axis, tell = true) {
    const count = this.volume.shape[axis];
    this.at[axis] = clamp(this.at[axis] + step, 0, count - 1);
    this.draw();
    if (tell && this.group && axis === this.axis) {
      const part = count > 1 ? this.at[axis] / (count - 1) : 0;
      GROUPS.get(this.group).forEach((other) => { if (other !== this) other.follow(part); });
    }
  }
  follow(part) { this.at[this.axis] = Math.round(part * (this.volume.shape[this.axis] - 1)); this.draw(); }
  shift(dx, dy) {
    const centre = (this.window[0] + this.window[1]) / 2 + dy * this.grain;
    const half = Math.max((this.window[1] - this.window[0]) / 2 + (dx / 2) * this.grain, 1);
    this.window = [centre - half, centre + half];
    this.draw();
  }
  async enter() { // the 3D view, over the panes; its engine is fetched the first time
    if (this.solid) { this.leave(); this.lay(); return; }
    const solid = (this.solid = new Solid(this));
    solid.wait = make("div", { class: "wait solid", role: "status" }, "Making ready the 3D view");
    this.stage.append(solid.wait);
    this.lay();
    try {
      if (!this.engine) throw new Error("ipyniivue is not installed on the server (pip install 'spinecho[viewer3d]')");
      await solid.open(this.engine);
    } catch (error) {
      console.warn(error);
      if (this.solid === solid) {
        this.leave();
        this.lay();
        this.say(`No 3D view: ${error.message}.`);
      }
    }
    solid.wait.remove();
  }
  lost() { // the browser took the graphics context away: too many of them, or the driver started anew
    this.leave();
    this.lay();
    this.say("The graphics card let go of the 3D view: d opens it again.");
  }
  leave() {
    this.solid?.close();
    this.solid = null;
    for (const name of ["solid", "turned", "cut", "zoom", "solidMs"]) delete this.root.dataset[name];
  }
  say(words) {
    const told = make("div", { class: "said", role: "status" }, words);
    this.stage.append(told);
    setTimeout(() => told.remove(), 8000);
  }
  preset(number, draw = true) {
    this.window = this.volume.windows[number].slice(1);
    if (draw) this.draw();
  }
  reset() { this.preset(0, false); this.inverted = false; this.panes.forEach((pane) => { pane.zoom = 1; pane.pan = [0, 0]; pane.box = null; }); this.lay(); }
  lay() {
    this.stage.className = this.planes ? "stage planes" : "stage";
    this.panes.forEach((pane, place) => pane.node.classList.toggle("hidden", place > 0 && !this.planes));
    this.root.classList.toggle("deep", Boolean(this.solid));
    for (const [name, value] of Object.entries({ solid: Boolean(this.solid), mip: Boolean(this.solid?.mip), section: Boolean(this.solid?.cut), planes: this.planes, invert: this.inverted, heat: this.heat, cine: Boolean(this.cine), mark: this.marking }))
      this.tools.querySelector(`[data-do="${name}"]`)?.setAttribute("aria-pressed", String(value));
    this.draw();
  }
  play() {
    if (this.cine) { clearInterval(this.cine); this.cine = null; } else {
      this.cine = setInterval(() => {
        const last = this.at[this.axis] >= this.volume.shape[this.axis] - 1;
        this.scroll(last ? -this.volume.shape[this.axis] : 1);
      }, 80);
    }
    this.lay();
  }
  marked(pane, from, to) {
    this.marking = false;
    const { first, full, shape } = this.volume;
    const part = (axis, share) => clamp((first[axis] + share * shape[axis]) / full[axis], 0, 1);
    const box = [0, 0, 0, 1, 1, 1];
    const span = (axis, a, b) => { box[axis] = part(axis, 1 - Math.max(a, b)); box[axis + 3] = part(axis, 1 - Math.min(a, b)); };
    span(pane.plane.across, clamp(from.u, 0, 1), clamp(to.u, 0, 1));
    span(pane.plane.up, clamp(from.v, 0, 1), clamp(to.v, 0, 1));
    const depth = part(pane.axis, (this.at[pane.axis] + 0.5) / shape[pane.axis]);
    box[pane.axis] = clamp(depth - 0.08, 0, 1); box[pane.axis + 3] = clamp(depth + 0.08, 0, 1);
    this.lay();
    if (box[pane.plane.across + 3] - box[pane.plane.across] > 0.02 && box[pane.plane.up + 3] - box[pane.plane.up] > 0.02)
      this.tell?.({ do: "spot", box, n: Date.now() });
  }
  act(name) {
    const acts = {
      invert: () => { this.inverted = !this.inverted; this.lay(); },
      planes: () => { this.leave(); this.planes = !this.planes; this.lay(); },
      solid: () => this.enter(), mip: () => this.solid?.key("m"), section: () => this.solid?.key("k"), turn: () => this.solid?.key("v"),
      heat: () => { this.heat = !this.heat; this.lay(); },
      mark: () => { this.marking = !this.marking; this.lay(); },
      cine: () => this.play(), reset: () => (this.solid ? this.solid.key("0") : this.reset()),
      fit: () => { this.panes.forEach((pane) => { pane.zoom = 1; pane.pan = [0, 0]; }); this.draw(); },
    };
    acts[name]?.();
  }
  buttons() {
    const button = (name, label, title) => {
      const node = make("button", { "data-do": name, title, "aria-label": title }, label);
      node.addEventListener("click", () => this.act(name));
      return node;
    };
    const presets = this.volume.windows.map(([name], place) => {
      const node = make("button", { title: `Window: ${name} (${place + 1})` }, name);
      node.addEventListener("click", () => this.preset(place));
      return node;
    });
    this.read = make("span", { class: "read" });
    const rest = [button("invert", "invert", "Invert (i)"), button("planes", "planes", "Three planes (p)"), button("cine", "cine", "Cine (space)")];
    if (this.deep) rest.splice(2, 0, button("solid", "3D", "In three dimensions (d)"), button("mip", "MIP", "Maximum intensity projection (m)"),
      button("section", "cut", "Cut through where you look from (k)"), button("turn", "view", "From the front, left, right, top, back (v)"));
    if (this.tell) rest.push(button("mark", "spot", "Mark a spot and find others like it (s)"));
    if (this.volume.heat) rest.push(button("heat", "evidence", "Outlines of the evidence (h)"));
    rest.push(button("fit", "fit", "Fit (f)"), button("reset", "reset", "Reset (0)"));
    this.tools.replaceChildren(...presets, ...rest, make("span", { class: "gap" }), this.read);
  }
  draw() {
    if (!this.volume || this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      const began = performance.now();
      if (this.solid) this.solid.follow(); else this.panes.forEach((pane) => pane.draw());
      const [low, high] = this.window;
      this.read.textContent = `W ${this.said((high - low) * this.volume.step)} L ${this.said(this.volume.bottom + ((high + low) / 2) * this.volume.step)}`;
      this.root.dataset.slice = String(this.at[this.axis] + this.volume.first[this.axis] + 1);
      this.root.dataset.window = `${Math.round(low)} ${Math.round(high)}`;
      this.root.dataset.drawMs = (performance.now() - began).toFixed(2);
      this.draws += 1;
      if (this.draws === 1) performance.mark("spinecho-drawn");
      this.root.dataset.draws = String(this.draws);
    });
  }
  said(value) { return Math.abs(value) >= 100 ? String(Math.round(value)) : value.toPrecision(3); } // in the file's own units
  key(event) {
    if (typing(event) || event.ctrlKey || event.metaKey || event.altKey || !this.volume) return;
    if (VIEWERS.size > 1 && !this.active) return;
    if (event.repeat && /^[a-z0-9]$/.test(event.key)) return; // held down, it was meant once
    const count = this.volume.shape[this.axis];
    const acts = {
      ArrowUp: () => this.scroll(-1), ArrowDown: () => this.scroll(1), PageUp: () => this.scroll(-10), PageDown: () => this.scroll(10),
      Home: () => this.scroll(-count), End: () => this.scroll(count), "+": () => this.panes[0].magnify(1.2), "-": () => this.panes[0].magnify(1 / 1.2),
      i: () => this.act("invert"), p: () => this.act("planes"), h: () => this.volume.heat && this.act("heat"), f: () => this.act("fit"),
      s: () => this.tell && this.act("mark"), 0: () => this.reset(), " ": () => this.play(),
    };
    for (let number = 1; number <= this.volume.windows.length; number += 1) acts[number] = () => this.preset(number - 1);
    if (this.deep) acts.d = () => this.act("solid");
    if (this.solid && !/^[dp1-9]$/.test(event.key)) { // the stack's keys rest meanwhile
      if (this.solid.key(event.key)) event.preventDefault();
      return;
    }
    const act = acts[event.key];
    if (!act || (event.key === " " && pressed(event))) return;
    event.preventDefault();
    act();
  }
}

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const root = parentElement.querySelector(".viewer");
  const bytes = data instanceof Uint8Array ? data : new Uint8Array(data);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + view.getUint32(0, true))));
  let viewer = held.get(root);
  if (!viewer) {
    viewer = new Viewer(root);
    held.set(root, viewer);
  }
  viewer.engine = head.engine;
  viewer.tell = head.spots ? (told) => setTriggerValue("act", told) : null;
  if (viewer.id !== head.id) {
    viewer.id = head.id;
    root.style.height = `${head.height}px`;
    root.setAttribute("aria-label", `${head.name}: scroll with the wheel or the arrow keys`);
    viewer.load(bytes, head);
  }
  return () => { if (!root.isConnected) { viewer.stop(); held.delete(root); } };
}
