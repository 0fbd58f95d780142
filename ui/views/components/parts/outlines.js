// Outlines of the evidence: where scores of a fixed scale reach a level, drawn as lines, so that the scan under them
// stays as it is. Scores lie on a coarse grid over the whole volume; between its places they are interpolated.
const FINER = 4; // points of a drawn outline between two places of the grid
const LINE = "#ffbe5a";

function planeOf(volume, axis, across, up, part) { // scores on a slice, from the upper left as it is seen
  const { heat, heatShape: size } = volume;
  const at = clamp(part * size[axis] - 0.5, 0, size[axis] - 1);
  const low = Math.min(Math.floor(at), Math.max(size[axis] - 2, 0));
  const high = Math.min(low + 1, size[axis] - 1);
  const share = at - low;
  const [w, h] = [size[across], size[up]];
  const scores = new Float32Array(w * h);
  const place = [0, 0, 0];
  const score = (depth) => { place[axis] = depth; return heat[(place[0] * size[1] + place[1]) * size[2] + place[2]]; };
  for (let y = 0; y < h; y += 1) {
    for (let x = 0; x < w; x += 1) {
      place[across] = w - 1 - x; place[up] = h - 1 - y;
      scores[y * w + x] = (1 - share) * score(low) + share * score(high);
    }
  }
  return { w, h, scores };
}

function finer({ w, h, scores }) { // Catmull-Rom between the places; half a place beyond the outer ones
  const spline = (read, count, at) => {
    const first = Math.floor(at);
    const t = at - first;
    const near = (step) => read(clamp(first + step, 0, count - 1));
    const a = near(-1), b = near(0), c = near(1), d = near(2);
    return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)));
  };
  const [wide, high] = [w * FINER + 1, h * FINER + 1];
  const rows = new Float32Array(wide * h);
  for (let y = 0; y < h; y += 1)
    for (let x = 0; x < wide; x += 1) rows[y * wide + x] = spline((i) => scores[y * w + i], w, x / FINER - 0.5);
  const found = new Float32Array(wide * high);
  for (let y = 0; y < high; y += 1)
    for (let x = 0; x < wide; x += 1) found[y * wide + x] = spline((i) => rows[i * wide + x], h, y / FINER - 0.5);
  return { w: wide, h: high, scores: found };
}

// Marching squares: corners of a square are numbered 0 1 / 3 2, edges 0 above, 1 right, 2 below, 3 left.
const EDGES = [[], [[3, 0]], [[0, 1]], [[3, 1]], [[1, 2]], [[3, 0], [1, 2]], [[0, 2]], [[3, 2]], [[2, 3]], [[0, 2]],
  [[0, 1], [2, 3]], [[1, 2]], [[1, 3]], [[0, 1]], [[0, 3]], []];

function trace(path, { w, h, scores }, level, [left, top, width, height]) {
  // A rim of low scores closes what reaches the volume's edge.
  const read = (x, y) => (x < 0 || y < 0 || x >= w || y >= h ? level - 1e3 : scores[y * w + x]);
  const point = (x, y) => [left + (clamp(x, 0, w - 1) / (w - 1)) * width, top + (clamp(y, 0, h - 1) / (h - 1)) * height];
  const lines = new Map(); // from a point's name to the points that lines lead to
  const names = new Map();
  const join = (a, b) => { if (!lines.has(a)) lines.set(a, []); lines.get(a).push(b); };
  for (let y = -1; y < h; y += 1) {
    for (let x = -1; x < w; x += 1) {
      const a = read(x, y), b = read(x + 1, y), c = read(x + 1, y + 1), d = read(x, y + 1);
      const kind = (a >= level) + 2 * (b >= level) + 4 * (c >= level) + 8 * (d >= level);
      if (kind === 0 || kind === 15) continue;
      const corner = [a, b, c, d];
      for (const [from, to] of EDGES[kind]) {
        const joined = [from, to].map((edge) => {
          const [begins, ends] = [corner[edge], corner[(edge + 1) % 4]];
          const part = clamp((level - begins) / (ends - begins || 1e-9), 0, 1);
          const [dx, dy] = [[part, 0], [1, part], [1 - part, 1], [0, 1 - part]][edge];
          const name = [`h${x},${y}`, `v${x + 1},${y}`, `h${x},${y + 1}`, `v${x},${y}`][edge];
          names.set(name, point(x + dx, y + dy));
          return name;
        });
        join(joined[0], joined[1]); join(joined[1], joined[0]);
      }
    }
  }
  for (const begin of lines.keys()) { // one stroke for each closed line, so that dashes run on
    let at = begin;
    let next = lines.get(at).pop();
    if (!next) continue;
    path.moveTo(...names.get(at));
    while (next) {
      const back = lines.get(next);
      back.splice(back.indexOf(at), 1);
      path.lineTo(...names.get(next));
      at = next;
      next = lines.get(at).pop();
    }
  }
}

function outline(pen, box, owner, axis, ratio) { // dashed at the floor, solid far above it; a dark rim keeps both visible
  const { volume } = owner;
  const { across, up } = PLANES[axis];
  const part = (owner.at[axis] + volume.first[axis] + 0.5) / volume.full[axis];
  const plane = finer(planeOf(volume, axis, across, up, part));
  pen.save();
  pen.lineJoin = "round";
  volume.levels.forEach((level, number) => {
    const path = new Path2D();
    trace(path, plane, level, box);
    const dashes = number ? [] : [7 * ratio, 5 * ratio];
    pen.setLineDash(dashes);
    for (const [style, width] of [["rgba(0,0,0,.75)", 3.5], [LINE, 1.5]]) {
      pen.strokeStyle = style;
      pen.lineWidth = width * ratio;
      pen.stroke(path);
    }
  });
  pen.restore();
}
