// One plane of a stack on a canvas: its slice, letters, outlines of evidence and scale, and what the pointer does on it.
// Radiological convention: the patient's right is on the viewer's left, anterior and superior are up.
const PLANES = [
  { name: "sagittal", across: 1, up: 2, letters: ["A", "P", "S", "I"] },
  { name: "coronal", across: 0, up: 2, letters: ["R", "L", "S", "I"] },
  { name: "axial", across: 0, up: 1, letters: ["R", "L", "A", "P"] },
];

class Pane {
  constructor(owner, axis) {
    this.owner = owner; this.axis = axis;
    this.node = make("div", { class: "pane" });
    this.canvas = make("canvas", { "aria-hidden": "true" });
    this.told = make("div", { class: "told" });
    const sides = ["left", "right", "top", "bottom"];
    this.letters = sides.map((side) => make("div", { class: `letter ${side}` }));
    this.node.append(this.canvas, ...this.letters, this.told);
    this.buffer = document.createElement("canvas");
    this.zoom = 1; this.pan = [0, 0];
    this.listen();
  }
  get plane() { return PLANES[this.axis]; }
  voxel(x, y, at) { // column, row from the upper left, slice -> index
    const { shape, stride } = this.owner.volume;
    const { across, up } = this.plane;
    return at * stride[this.axis] + (shape[across] - 1 - x) * stride[across] + (shape[up] - 1 - y) * stride[up];
  }
  rect() { // where the slice lies on the canvas, in its pixels
    const { shape, spacing } = this.owner.volume;
    const wide = shape[this.plane.across] * spacing[this.plane.across];
    const high = shape[this.plane.up] * spacing[this.plane.up];
    const scale = Math.min(this.canvas.width / wide, this.canvas.height / high) * 0.97 * this.zoom;
    const [w, h] = [wide * scale, high * scale];
    return { x: (this.canvas.width - w) / 2 + this.pan[0], y: (this.canvas.height - h) / 2 + this.pan[1], w, h, scale };
  }
  draw() {
    const { owner, canvas, buffer, plane } = this;
    const box = this.node.getBoundingClientRect();
    if (!box.width || !owner.volume) return;
    const ratio = globalThis.devicePixelRatio || 1;
    const [width, height] = [Math.round(box.width * ratio), Math.round(box.height * ratio)];
    if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height; }
    const { shape, voxels } = owner.volume;
    const [w, h] = [shape[plane.across], shape[plane.up]];
    if (buffer.width !== w || buffer.height !== h) { buffer.width = w; buffer.height = h; }
    const image = buffer.getContext("2d").createImageData(w, h);
    const out = new Uint32Array(image.data.buffer);
    const table = owner.table();
    const at = owner.at[this.axis];
    const start = this.voxel(0, 0, at);
    const [right, down] = [w > 1 ? this.voxel(1, 0, at) - start : 0, h > 1 ? this.voxel(0, 1, at) - start : 0];
    for (let y = 0, to = 0; y < h; y += 1) {
      let from = start + y * down;
      for (let x = 0; x < w; x += 1, from += right, to += 1) out[to] = table[voxels[from]];
    }
    buffer.getContext("2d").putImageData(image, 0, 0);
    const pen = canvas.getContext("2d");
    pen.fillStyle = "#000";
    pen.fillRect(0, 0, width, height);
    const rect = this.rect();
    pen.imageSmoothingEnabled = true;
    pen.imageSmoothingQuality = "high";
    pen.drawImage(buffer, rect.x, rect.y, rect.w, rect.h);
    if (owner.heat && owner.volume.heat) outline(pen, this.full(rect), owner, this.axis, ratio);
    if (owner.planes) this.cross(pen, rect);
    this.scaleBar(pen, rect, ratio);
    if (this.box) { pen.strokeStyle = "#f0d58a"; pen.lineWidth = 2 * ratio; pen.strokeRect(...this.box); }
    plane.letters.forEach((letter, place) => { this.letters[place].textContent = letter; });
    const first = owner.volume.first[this.axis];
    this.told.textContent = `${plane.name} ${at + first + 1} / ${owner.volume.full[this.axis]}`;
  }
  full(rect) { // the whole volume's rectangle: what is shown is cropped
    const { first, full, spacing, shape } = this.owner.volume;
    const { across, up } = this.plane;
    const after = (axis) => full[axis] - first[axis] - shape[axis];
    return [rect.x - after(across) * spacing[across] * rect.scale, rect.y - after(up) * spacing[up] * rect.scale,
      full[across] * spacing[across] * rect.scale, full[up] * spacing[up] * rect.scale];
  }
  cross(pen, rect) {
    const { at, volume } = this.owner;
    const x = rect.x + (1 - (at[this.plane.across] + 0.5) / volume.shape[this.plane.across]) * rect.w;
    const y = rect.y + (1 - (at[this.plane.up] + 0.5) / volume.shape[this.plane.up]) * rect.h;
    pen.strokeStyle = "rgba(143,191,224,.55)";
    pen.lineWidth = 1;
    pen.beginPath();
    pen.moveTo(x, rect.y); pen.lineTo(x, rect.y + rect.h); pen.moveTo(rect.x, y); pen.lineTo(rect.x + rect.w, y);
    pen.stroke();
  }
  scaleBar(pen, rect, ratio) {
    const mm = [100, 50, 20, 10, 5].find((one) => one * rect.scale < this.canvas.width * 0.3) ?? 5;
    const [x, y] = [this.canvas.width - 14 * ratio, this.canvas.height - 12 * ratio];
    pen.strokeStyle = "#dfe3e7"; pen.fillStyle = "#dfe3e7"; pen.lineWidth = 1.5 * ratio;
    pen.beginPath(); pen.moveTo(x - mm * rect.scale, y); pen.lineTo(x, y); pen.stroke();
    pen.font = `${12 * ratio}px sans-serif`; pen.textAlign = "right";
    pen.fillText(`${mm / 10} cm`, x, y - 5 * ratio);
  }
  point(event) { // canvas pixels and fractions of the slice from the upper left
    const box = this.canvas.getBoundingClientRect();
    const ratio = this.canvas.width / box.width;
    const [x, y] = [(event.clientX - box.left) * ratio, (event.clientY - box.top) * ratio];
    const rect = this.rect();
    return { x, y, u: (x - rect.x) / rect.w, v: (y - rect.y) / rect.h };
  }
  listen() {
    const { canvas } = this;
    let wheel = 0;
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.owner.activate();
      if (event.ctrlKey) { this.magnify(event.deltaY < 0 ? 1.1 : 1 / 1.1); return; }
      wheel += event.deltaMode === 1 ? event.deltaY * 40 : event.deltaY;
      const steps = Math.trunc(wheel / 40) || (Math.abs(event.deltaY) >= 40 ? Math.sign(event.deltaY) : 0);
      if (steps) { wheel = 0; this.owner.scroll(Math.sign(steps), this.axis); }
    }, { passive: false });
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    canvas.addEventListener("pointerdown", (event) => {
      this.owner.activate();
      canvas.setPointerCapture(event.pointerId);
      this.drag = { x: event.clientX, y: event.clientY, from: this.point(event), how: this.how(event) };
      if (this.drag.how === "cross") this.aim(event);
      event.preventDefault();
      this.owner.root.focus({ preventScroll: true });
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!this.drag) return;
      const [dx, dy] = [event.clientX - this.drag.x, event.clientY - this.drag.y];
      if (this.drag.how !== "mark") { this.drag.x = event.clientX; this.drag.y = event.clientY; }
      if (this.drag.how === "pan") { const ratio = globalThis.devicePixelRatio || 1; this.pan = [this.pan[0] + dx * ratio, this.pan[1] + dy * ratio]; }
      if (this.drag.how === "zoom") this.magnify(1 - dy / 200);
      if (this.drag.how === "window") this.owner.shift(dx * 0.7, dy * 0.7);
      if (this.drag.how === "cross") this.aim(event);
      if (this.drag.how === "mark") { const to = this.point(event); this.box = [this.drag.from.x, this.drag.from.y, to.x - this.drag.from.x, to.y - this.drag.from.y]; }
      this.owner.draw();
    });
    canvas.addEventListener("pointerup", (event) => {
      if (this.drag?.how === "mark") this.owner.marked(this, this.drag.from, this.point(event));
      this.drag = null;
    });
  }
  how(event) {
    if (this.owner.marking) return "mark";
    if (event.button === 2) return "zoom";
    if (event.button === 1 || event.shiftKey) return "pan";
    return this.owner.planes && event.altKey ? "window" : this.owner.planes ? "cross" : "window";
  }
  aim(event) {
    const { u, v } = this.point(event);
    const { shape } = this.owner.volume;
    const set = (axis, part) => { this.owner.at[axis] = clamp(Math.floor((1 - part) * shape[axis]), 0, shape[axis] - 1); };
    set(this.plane.across, u); set(this.plane.up, v);
    this.owner.draw();
  }
  magnify(by) { this.zoom = clamp(this.zoom * by, 0.5, 12); this.owner.draw(); }
}
