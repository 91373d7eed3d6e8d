"use strict";
// One picture enlarged, its animation and files, and the explanation of how it came about. Loaded before app.js.

const LARGE = 8; // pixels of the large file for each pixel
const ANIMATION_MS = 2400;
const FORWARD = [0, 0.05, 0.15, 0.3, 0.5, 1]; // noise levels t / T of the forward process that are shown

/** The figures of a strip: one or more pictures above each other, and what is beneath. */
function figure(rows, caption) {
  const made = element("figure");
  made.append(...rows.map(canvasOf), element("figcaption", caption));
  return made;
}

/** "How it works", with the forward and the reverse process of a picture. */
function explain(picture) {
  const { frames, pixels, request } = picture;
  $("how").hidden = false;
  $("how-name").textContent = `seed ${request.seed} (${describe(picture)})`;
  const times = FORWARD.map((level) => Math.round(level * model.T));
  const noisy = (t) => (t === 0 ? pixels : noised(model, pixels, request.seed, t));
  $("forward").replaceChildren(...times.map((t) => figure([noisy(t)], t === 0 ? "picture" : `t = ${t}`)));
  const steps = spread(frames, FORWARD.length);
  $("reverse").replaceChildren(
    ...steps.map(({ t, x_t, x_0 }) => figure([x_t, x_0], t === 0 ? "picture" : `t = ${t}`)),
  );
}

/** At most `count` of the frames, evenly spread, the first and the last among them. */
function spread(frames, count) {
  if (count >= frames.length) return frames;
  return Array.from({ length: count }, (_, i) => frames[Math.round((i * (frames.length - 1)) / (count - 1))]);
}

/** Show the picture at a place of the gallery. */
function open(index) {
  shown = index;
  const picture = pictures[index];
  paint($("one-picture").firstElementChild, picture.pixels);
  $("one-title").textContent = `Seed ${picture.request.seed}`;
  $("one-names").replaceChildren(...namedParts(picture));
  $("frame").max = String(picture.frames.length - 1);
  showFrame(picture.frames.length - 1);
  explain(picture);
  stopAnimation();
  if (!$("one").open) $("one").showModal();
}

/** What a picture is of, for a person: [{name, asked}], the value of each slot, or a group where the slot is open. */
function shownNames({ label, request }) {
  const asked = (f) => request.label[f] !== UNKNOWN;
  return schema.fields.flatMap((field, f) => {
    if (label[f] === UNKNOWN) return [];
    const name = field.values[label[f]];
    if (name === NONE) return asked(f) ? [{ name: `no ${field.name}`, asked: true }] : [];
    if (field.slot) return label[schema.column.get(field.slot)] === UNKNOWN ? [{ name, asked: asked(f) }] : [];
    const byGroup = schema.fields.some((group, g) => group.slot === field.name && asked(g) && label[g] === 1);
    return [{ name, asked: asked(f) || byGroup }];
  });
}

/** The same in one line. */
function describe(picture) {
  return shownNames(picture).map(({ name }) => name).join(", ") || "no request";
}

/** The same as elements; what was asked for stands out. */
function namedParts(picture) {
  const names = shownNames(picture);
  if (!names.length) return ["No request"];
  return names.flatMap(({ name, asked }, i) => [...(i ? [", "] : []), element(asked ? "b" : "span", name)]);
}

function showFrame(at) {
  const { t, x_t, x_0 } = pictures[shown].frames[at];
  const [left, right] = $("film").querySelectorAll("canvas");
  paint(left, x_t);
  paint(right, x_0);
  $("frame").value = String(at);
  $("time").textContent = `t = ${t}`;
}

function animate() {
  const last = pictures[shown].frames.length - 1;
  let at = Number($("frame").value) === last ? 0 : Number($("frame").value);
  $("play").textContent = "Pause";
  showFrame(at);
  timer = setInterval(() => {
    showFrame(++at);
    if (at === last) stopAnimation();
  }, ANIMATION_MS / last);
}

function stopAnimation() {
  clearInterval(timer);
  timer = 0;
  $("play").textContent = "Play";
}

/** What sample.py records of a picture, and needs to reproduce it. */
function record({ request, evaluations }, scale) {
  const names = schema.names(request.label).join(",") || ANY;
  const { record: sampled } = samplingFor(model, request.w);
  return { ...sampled, attrs: names, request: names, w: request.w, seed: request.seed, nfe: evaluations, scale };
}

async function download(scale) {
  const picture = pictures[shown];
  const file = await encodePng(picture.pixels, model.image_shape, scale, record(picture, scale));
  const name = `seed-${String(picture.request.seed).padStart(6, "0")}.png`;
  const link = element("a", "", { href: URL.createObjectURL(file), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** The next picture that is done, in one direction. */
function neighbour(step) {
  for (let i = shown + step; i >= 0 && i < pictures.length; i += step) if (pictures[i]) return open(i);
}

function listenToDialog() {
  $("close").addEventListener("click", () => $("one").close());
  $("one").addEventListener("close", stopAnimation);
  $("one").addEventListener("click", (event) => event.target === $("one") && $("one").close());
  $("one").addEventListener("keydown", (event) => {
    if (event.target === $("frame")) return; // where arrows move through the animation
    if (event.key === "ArrowLeft") neighbour(-1);
    if (event.key === "ArrowRight") neighbour(1);
  });
  $("before").addEventListener("click", () => neighbour(-1));
  $("after").addEventListener("click", () => neighbour(1));
  $("play").addEventListener("click", () => (timer ? stopAnimation() : animate()));
  $("frame").addEventListener("input", () => (stopAnimation(), showFrame(Number($("frame").value))));
  $("small").addEventListener("click", () => download(1));
  $("large").addEventListener("click", () => download(LARGE));
  $("one-link").addEventListener("click", () => {
    const { seed } = pictures[shown].request;
    copyLink($("one-link"), { ...settings(), seed, count: 1 });
  });
}
