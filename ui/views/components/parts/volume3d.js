// A volume in three dimensions, drawn by NiiVue. Its bundle is a widget for notebooks that arrives in a wheel and is
// fetched only when asked for. The widget makes the engine (`initialize`); what we need of it is the class's public
// methods, so it is given a model of one page, told to draw once, and taken at its word (docs/decisions/0011).
const IDLE = (globalThis.spinechoEngines ??= []);
const LEAVING = (globalThis.spinechoEnginesLeaving ??= new Set()); // of views that were closed, until their engine is free
const VIEWS = [["front", 180, 0], ["left", 90, 0], ["right", 270, 0], ["top", 180, 90], ["back", 0, 0]];
const ENDS = [["R", 0, 1], ["L", 0, -1], ["A", 1, 1], ["P", 1, -1], ["S", 2, 1], ["I", 2, -1]];
const MOST = { card: 256 ** 3, none: 128 ** 3 }; // voxels; none: WebGL2 without a graphics card, each voxel on the processor
const [TURNING_MS, STILL_MS, FIRST, LEAST, NEAR] = [70, 900, 0.02, 0.02, 1.25];
const OPTIONS = { interactive: false, isResizeCanvas: false, show3Dcrosshair: false, isOrientCube: false, crosshairWidth: 0,
  sliceType: 4, backColor: [0, 0, 0, 1], logLevel: "error", clipPlaneColor: [1, 1, 1, 0], isRadiologicalConvention: true,
  loadingText: "", isColorbar: false, isOrientationTextVisible: false, isCornerOrientationText: false };
const VERTICES = `#version 300 es
layout(location = 0) in vec3 pos;
layout(location = 1) in vec3 texCoords;
uniform mat4 mvpMtx;
out vec3 vColor;
void main() { gl_Position = mvpMtx * vec4(pos, 1.0); vColor = texCoords; }`;
const BRIGHTEST = `#version 300 es
precision highp float;
uniform vec3 rayDir;
uniform vec3 volScale;
uniform vec3 texVox;
uniform vec4 clipPlanes[6];
uniform highp sampler3D volume;
in vec3 vColor;
out vec4 fColor;
void main() {
  vec3 from = vColor, wall = (step(0.0, rayDir) - from) * volScale / rayDir; // to the walls, along the ray
  float far = min(min(wall.x, wall.y), wall.z), near = 0.0;
  vec3 way = rayDir / volScale;
  vec4 cut = clipPlanes[0];
  if (cut.a <= 1.0) {
    float slope = dot(cut.xyz, way), start = -(dot(cut.xyz, from - 0.5) + cut.a) / slope;
    if (slope > 0.0) near = max(near, start); else far = min(far, start);
  }
  float pace = 1.0 / (max(max(texVox.x, texVox.y), texVox.z) * 1.5), most = 0.0;
  for (float at = near; at < far; at += pace) most = max(most, texture(volume, from + way * at).r);
  if (near >= far) discard;
  fColor = vec4(vec3(most), 1.0);
}`;

async function engine(address, closed) { // -> { nv, host }, kept for the page: a second view takes it up again
  while (!IDLE.length && LEAVING.size && !closed()) await Promise.race(LEAVING); // sooner than to make one more
  if (closed()) return null;
  if (IDLE.length) return IDLE.pop();
  const probe = document.createElement("canvas").getContext("webgl2");
  if (!probe) throw new Error("this browser has no WebGL2");
  const named = probe.getExtension("WEBGL_debug_renderer_info");
  const drawer = String(probe.getParameter(named ? named.UNMASKED_RENDERER_WEBGL : probe.RENDERER));
  const most = /swiftshader|llvmpipe|software|basic render/i.test(drawer) ? MOST.none : MOST.card;
  probe.getExtension("WEBGL_lose_context")?.loseContext();
  const count = (globalThis.spinechoEngineCount = (globalThis.spinechoEngineCount ?? 0) + 1);
  const url = new URL(address, location.origin);
  if (count > 1) url.searchParams.set("n", count); // the widget's module holds one engine: another address, another engine
  const widget = (await import(url.href)).default;
  let nv = null;
  const heard = {};
  const told = { volumes: [], meshes: [], background_masks_overlays: 0, draw_opacity: 0.8, draw_fill_overwrites: true,
    overlay_outline_width: 0, overlay_alpha_shader: 1, height: 1, opts: { ...OPTIONS, drawScene() { delete this.drawScene; nv = this; } } };
  await widget.initialize({ model: { get: (name) => told[name], set: () => {}, save_changes: () => {}, send: () => {},
    on: (name, act) => { heard[name] = act; }, off: () => {} } });
  if (!nv) await heard["msg:custom"]?.({ type: "draw_scene", data: [] }, []);
  if (!nv?.attachToCanvas || !nv.setRenderAzimuthElevation) throw new Error("this version of ipyniivue is not understood");
  delete nv.refreshLayers; // the widget's own does not wait for the class's
  const host = make("div", { class: "solid" });
  const canvas = make("canvas", { "aria-hidden": "true" });
  host.append(canvas);
  return { nv, host, canvas, most };
}

async function fit(made) { // the engine on its canvas, with our MIP: whole, or it is not used
  const { nv } = made;
  made.begun = true; // NiiVue has no `gl` before, and throws where it is asked for
  await nv.attachToCanvas(made.canvas, false);
  const { renderVolumeShader: plain } = nv; // what NiiVue draws without shades: here, the brightest along a ray
  nv.renderVolumeShader = new plain.constructor(nv.gl, VERTICES, BRIGHTEST);
  await nv.loadMatCapTexture(shades());
  made.whole = true;
}

function empty(nv) { // NiiVue keeps what each volume was loaded from, its bytes too, when the volume has gone
  while (nv.volumes.length) nv.removeVolume(nv.volumes[0]);
  nv.document.data.imageOptionsArray.length = 0;
  nv.document.imageOptionsMap.clear();
}

function free(made) { // for the next view; one that is broken gives its context back to the browser
  try {
    const kept = !made.begun || (made.whole && !made.nv.gl.isContextLost());
    if (kept && made.begun) empty(made.nv);
    if (kept) IDLE.push(made); else made.canvas.getContext("webgl2")?.getExtension("WEBGL_lose_context")?.loseContext();
  } catch (error) {
    console.warn(error);
  }
}

function thinned({ voxels, shape, spacing, stride }, most) { // every second voxel along the finest axis, until few enough are left
  const step = [1, 1, 1];
  const counts = () => shape.map((count, axis) => Math.ceil(count / step[axis]));
  const many = () => counts().reduce((one, other) => one * other);
  while (many() > most) {
    const grain = spacing.map((mm, axis) => (counts()[axis] > 8 ? mm * step[axis] : Infinity));
    step[grain.indexOf(Math.min(...grain))] *= 2;
  }
  const [ni, nj, nk] = counts();
  const less = new Uint16Array(ni * nj * nk); // i runs fastest, as in a file
  const stretch = stride.map((one, axis) => one * step[axis]);
  for (let k = 0, to = 0; k < nk; k += 1) for (let j = 0; j < nj; j += 1) {
    for (let i = 0, from = k * stretch[2] + j * stretch[1]; i < ni; i += 1, to += 1, from += stretch[0]) less[to] = voxels[from];
  }
  return { voxels: less, shape: [ni, nj, nk], spacing: spacing.map((mm, axis) => mm * step[axis]) };
}

function nifti(volume, most) { // the volume as a file, which NiiVue reads as any other
  const { voxels, shape: [ni, nj, nk], spacing: [si, sj, sk] } = thinned(volume, most);
  const file = new ArrayBuffer(352 + 2 * voxels.length);
  const view = new DataView(file);
  view.setInt32(0, 348, true);
  [3, ni, nj, nk, 1, 1, 1, 1].forEach((count, at) => view.setInt16(40 + 2 * at, count, true));
  view.setInt16(70, 512, true); view.setInt16(72, 16, true); // unsigned, 16 bits
  [1, si, sj, sk, 0, 0, 0, 0].forEach((size, at) => view.setFloat32(76 + 4 * at, size, true));
  view.setFloat32(108, 352, true); view.setFloat32(112, 1, true);
  view.setUint8(123, 2); view.setInt16(254, 1, true); // millimetres; the rows below hold
  const middle = [-si * (ni - 1) / 2, -sj * (nj - 1) / 2, -sk * (nk - 1) / 2];
  [[si, 0, 0], [0, sj, 0], [0, 0, sk]].forEach((row, at) => [...row, middle[at]].forEach((value, place) => view.setFloat32(280 + 16 * at + 4 * place, value, true)));
  [0x6e, 0x2b, 0x31, 0].forEach((byte, at) => view.setUint8(344 + at, byte));
  new Uint16Array(file, 352).set(voxels);
  return file;
}

function shades() { // how a grey ball looks lit from above the left: NiiVue shades by it, and its own has colours
  const ball = make("canvas", { width: 128, height: 128 });
  const pen = ball.getContext("2d");
  const light = pen.createRadialGradient(50, 42, 4, 64, 64, 66);
  light.addColorStop(0, "#b8b8b8"); light.addColorStop(0.5, "#848484"); light.addColorStop(1, "#282828"); // counts double
  pen.fillStyle = light;
  pen.fillRect(0, 0, 128, 128);
  return ball.toDataURL();
}

class Solid { // the 3D view of one viewer
  constructor(owner) { this.owner = owner; this.mip = false; this.cut = null; this.turn(...VIEWS[0].slice(1)); this.zoom = NEAR; }
  turn(azimuth, elevation) { this.azimuth = ((azimuth % 360) + 360) % 360; this.elevation = clamp(elevation, -90, 90); }
  open(address) { // settles when it is shown, or was closed meanwhile
    this.busy = this.prepare(address);
    return this.busy;
  }
  async prepare(address) {
    const made = await engine(address, () => this.closed);
    this.made = made; // whatever happens now, `close` frees it
    if (this.closed) return;
    Object.assign(this, { nv: made.nv, host: made.host, canvas: made.canvas });
    this.listening = new AbortController();
    this.letters = ENDS.map(([name]) => make("div", { class: "letter end" }, name));
    this.told = make("div", { class: "told" });
    this.host.replaceChildren(this.canvas, ...this.letters, this.told);
    this.owner.stage.append(this.host);
    this.listen();
    this.size(FIRST);
    if (!made.whole) await fit(made);
    if (this.closed) return;
    empty(this.nv);
    await this.nv.loadFromArrayBuffer(nifti(this.owner.volume, made.most), "series.nii");
    if (this.closed) return;
    const other = this.linked().find((one) => one.ready);
    if (other) this.take(other);
    await this.tint();
    this.ready = !this.closed;
  }
  close() { // at once for the eye; the engine is free when nothing of ours waits for it any more
    if (this.closed) return;
    this.closed = true;
    this.ready = false;
    clearTimeout(this.still);
    this.listening?.abort();
    this.host?.remove();
    this.wait?.remove();
    const left = Promise.resolve(this.busy).catch(() => {}).then(() => {
      LEAVING.delete(left);
      if (this.made) free(this.made);
    });
    LEAVING.add(left);
  }
  shade() { // once more, after what is under way
    this.stale = true;
    this.busy = this.busy.then(() => (this.stale && !this.closed ? this.tint() : null));
    return this.busy;
  }
  async tint() { // volume or brightest, through the window of the stacks
    const [volume] = this.nv.volumes;
    const [low, high] = this.owner.window;
    this.stale = false;
    this.shown = String(this.owner.window);
    const wide = high - low; // air is left clear, or its noise stands around the body as a fog; maxima are brighter than means
    [volume.cal_min, volume.cal_max] = this.mip ? [low, low + 1.25 * wide] : [low + 0.15 * wide, high];
    const flat = !(this.nv.gradientTextureAmount > 0);
    await this.nv.setVolumeRenderIllumination(this.mip ? 0 : 0.7);
    if (this.closed) return;
    if (flat && !this.mip) this.nv.updateGLVolume(); // only now does it work out the gradients that the shades need
    delete this.made.cost;
    this.draw();
  }
  follow() { // what was done to the stacks holds here too: the window, and how large the page is
    if (!this.ready) return;
    if (String(this.owner.window) !== this.shown) this.shade(); else if (this.extent() !== this.drawn) this.draw();
  }
  extent() { const { width, height } = this.host.getBoundingClientRect(); return `${width} ${height}`; }
  linked() { return [...(GROUPS.get(this.owner.group) ?? [])].map((one) => one.solid).filter((one) => one && one !== this); }
  share() { this.linked().forEach((one) => one.take(this)); } // as stacks that are compared scroll together
  take(other) {
    const cuts = Boolean(this.cut) !== Boolean(other.cut);
    this.turn(other.azimuth, other.elevation);
    this.cut = other.cut && { ...other.cut };
    if (!this.ready) return;
    if (cuts) this.owner.lay();
    this.draw(true);
  }
  size(part) { // part: of the pixels of the screen. Fewer while it turns, where no graphics card helps
    this.part = clamp(part, LEAST, 1);
    const box = this.host.getBoundingClientRect();
    const ratio = (globalThis.devicePixelRatio || 1) * Math.sqrt(this.part);
    const [width, height] = [Math.max(1, Math.round(box.width * ratio)), Math.max(1, Math.round(box.height * ratio))];
    if (this.canvas.width !== width || this.canvas.height !== height) { this.canvas.width = width; this.canvas.height = height; }
  }
  draw(moving = false) {
    if (this.waiting || this.closed) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      if (this.closed || !this.nv.volumes.length || this.nv.gl.isContextLost()) return;
      const begun = this.made.cost !== undefined;
      const coarse = !begun || moving;
      this.size(begun ? (moving ? TURNING_MS : STILL_MS) / this.made.cost : FIRST);
      this.drawn = this.extent();
      const began = performance.now();
      this.nv.scene.volScaleMultiplier = this.zoom;
      this.nv.setClipPlane(this.cut ? [this.cut.depth, -this.cut.azimuth, this.cut.elevation] : [2, 0, 0]);
      this.nv.setRenderAzimuthElevation(this.azimuth, this.elevation);
      this.nv.gl.readPixels(0, 0, 1, 1, this.nv.gl.RGBA, this.nv.gl.UNSIGNED_BYTE, new Uint8Array(4)); // wait for it
      const took = performance.now() - began;
      this.made.cost = Math.max(took / this.part, 0.01); // of a whole picture, in ms
      Object.assign(this.owner.root.dataset, { solidMs: took.toFixed(0), solidPart: this.part.toFixed(3) });
      this.label();
      clearTimeout(this.still);
      if (coarse) this.still = setTimeout(() => this.draw(), 160);
    });
  }
  axes() { // right, up and towards the viewer on the screen, in RAS+
    const [a, e] = [this.azimuth, this.elevation].map((angle) => (angle * Math.PI) / 180);
    return [[Math.cos(a), -Math.sin(a), 0], [Math.sin(a) * Math.sin(e), Math.cos(a) * Math.sin(e), Math.cos(e)],
      [-Math.sin(a) * Math.cos(e), -Math.cos(a) * Math.cos(e), Math.sin(e)]];
  }
  label() {
    const [right, up, near] = this.axes();
    const box = this.host.getBoundingClientRect();
    const reach = Math.min(box.width, box.height) / 2 - 18;
    const facing = [];
    ENDS.forEach(([name, axis, way], place) => {
      const [x, y, z] = [right, up, near].map((one) => one[axis] * way);
      const node = this.letters[place];
      const long = Math.hypot(x, y);
      node.style.visibility = long < 0.6 ? "hidden" : "visible"; // it points at the eye, or away
      node.style.left = `${box.width / 2 + x * reach}px`;
      node.style.top = `${box.height / 2 - y * reach}px`;
      node.style.opacity = String(clamp(0.8 + z * 0.4, 0.5, 1));
      if (z > 0.35) facing.push([z, name]);
    });
    const side = { R: "right", L: "left", A: "front", P: "back", S: "above", I: "below" };
    const from = facing.sort((one, other) => other[0] - one[0]).map(([, name]) => side[name]).join(", ");
    this.told.textContent = `${this.mip ? "maximum intensity projection" : "volume"} from ${from}${this.cut ? ", cut" : ""}`;
    Object.assign(this.owner.root.dataset, { solid: this.mip ? "mip" : "volume", turned: `${Math.round(this.azimuth)} ${Math.round(this.elevation)}`,
      cut: this.cut ? this.cut.depth.toFixed(2) : "", zoom: this.zoom.toFixed(2) });
  }
  dolly(by) { this.zoom = clamp(this.zoom * by, 0.4, 6); this.draw(true); }
  slice(by) {
    this.cut ??= { depth: 0.4, azimuth: this.azimuth, elevation: this.elevation };
    this.cut.depth = clamp(this.cut.depth - by, -0.6, 0.6);
    this.draw(true);
    this.share();
  }
  listen() {
    const { canvas } = this;
    const how = { signal: this.listening.signal };
    canvas.addEventListener("webglcontextlost", () => this.owner.lost(), how);
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.owner.activate();
      if (event.shiftKey) this.slice(Math.sign(event.deltaY || event.deltaX) * 0.02);
      else this.dolly(event.deltaY < 0 ? 1.1 : 1 / 1.1);
    }, { ...how, passive: false });
    canvas.addEventListener("contextmenu", (event) => event.preventDefault(), how);
    canvas.addEventListener("pointerdown", (event) => {
      this.owner.activate();
      canvas.setPointerCapture(event.pointerId);
      this.drag = [event.clientX, event.clientY];
      event.preventDefault();
      this.owner.root.focus({ preventScroll: true });
    }, how);
    canvas.addEventListener("pointermove", (event) => {
      if (!this.drag) return;
      const [dx, dy] = [event.clientX - this.drag[0], event.clientY - this.drag[1]];
      this.drag = [event.clientX, event.clientY];
      this.turn(this.azimuth + dx * 0.5, this.elevation + dy * 0.5);
      this.draw(true);
      this.share();
    }, how);
    canvas.addEventListener("pointerup", () => { this.drag = null; }, how);
  }
  key(name) { // whether the key meant something here
    const go = (azimuth, elevation) => { this.turn(this.azimuth + azimuth, this.elevation + elevation); this.draw(true); this.share(); };
    const acts = {
      ArrowLeft: () => go(-10, 0), ArrowRight: () => go(10, 0), ArrowUp: () => go(0, -10), ArrowDown: () => go(0, 10),
      "+": () => this.dolly(1.2), "-": () => this.dolly(1 / 1.2), PageUp: () => this.slice(-0.05), PageDown: () => this.slice(0.05),
      m: () => { this.mip = !this.mip; this.owner.lay(); this.shade(); },
      k: () => { this.cut = this.cut ? null : { depth: 0, azimuth: this.azimuth, elevation: this.elevation }; this.owner.lay(); this.draw(); this.share(); },
      v: () => { const at = VIEWS.findIndex(([, a, e]) => a === this.azimuth && e === this.elevation); this.turn(...VIEWS[(at + 1) % VIEWS.length].slice(1)); this.draw(); this.share(); },
      0: () => { this.cut = null; this.owner.preset(0, false); this.owner.lay(); this.zoom = NEAR; this.turn(...VIEWS[0].slice(1)); this.draw(); this.share(); },
    };
    if (this.ready) acts[name]?.(); // pressed while it is made ready, it means nothing yet
    return name in acts;
  }
}
