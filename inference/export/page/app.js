"use strict";
// The page: a request, its pictures as they come, and one of them in detail.

const $ = (id) => document.getElementById(id);
const model = prepared(JSON.parse($("description").textContent));
const schema = new Schema(model.schema);
const sources = Object.fromEntries(["worker", "runtime"].map((id) => [id, $(id).textContent]));
const BETWEEN = schema.fields.length > 1 ? "Names between commas" : "";
const HINT = schema.fields.some(optional) ? `${BETWEEN || "A name"}; -name asks for absence` : BETWEEN;
sources.description = JSON.parse($("description").textContent);
// It stands behind this script, so that the workers begin while the browser reads the rest.
sources.network = new Promise((resolve) => {
  document.addEventListener("DOMContentLoaded", () => resolve($("network").textContent));
});

let asked = schema.unknown(); // the newest request that could be read
let pictures = []; // of this round, by place; undefined until it is done
let shown = 0; // the place of the picture in the dialog
let timer = 0; // of the animation
let began = 0;

const engine = new Engine(sources, {
  picture(data) {
    pictures[data.index] = data;
    const place = $("pictures").children[data.index];
    paint(place.firstChild, data.pixels);
    place.disabled = false;
    place.setAttribute("aria-label", `Seed ${data.request.seed}: ${describe(data)}`);
    if (pictures.filter(Boolean).length === 1) explain(data);
  },
  progress(share) {
    $("progress").value = share;
    say(`${pictures.filter(Boolean).length} of ${pictures.length} pictures`);
  },
  finished() {
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    const count = pictures.length === 1 ? "1 picture" : `${pictures.length} pictures`;
    rest(`${count} in ${seconds} s, ${pictures[0].evaluations} network evaluations each. Choose one to see more.`);
  },
  failed: (message) => rest(`Could not sample: ${message}`, true),
});

// -- pictures ------------------------------------------------------------------------------------------------------

/** Levels (C, H, W) on a canvas of the same number of pixels. */
function paint(canvas, premultiplied) {
  const [channels, height, width] = model.image_shape;
  const pixels = straightened(premultiplied, model.image_shape);
  const area = height * width;
  [canvas.width, canvas.height] = [width, height];
  const image = new ImageData(width, height);
  for (let i = 0; i < area; i++) {
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = pixels[(channels < 3 ? 0 : c) * area + i];
    image.data[4 * i + 3] = channels === 4 ? pixels[3 * area + i] : 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

const canvasOf = (pixels) => paint(element("canvas", "", { "aria-hidden": "true" }), pixels);

function say(text, wrong = false) {
  $("state").textContent = text;
  $("state").classList.toggle("wrong", wrong);
}

function rest(text, wrong = false) {
  $("cancel").hidden = true;
  $("progress").value = wrong ? 0 : 1;
  say(text, wrong);
}

function generate() {
  if (!readNames()) return ($("closest").querySelector("button") ?? $("names")).focus();
  if ($("one").open) $("one").close(); // its picture goes with the others
  const { w, seed, count } = settings();
  began = performance.now();
  pictures = new Array(count).fill(undefined);
  const [, height, width] = model.image_shape;
  const places = pictures.map((_, index) => {
    const button = element("button", "", { type: "button", "aria-label": `Picture ${index + 1}, not done yet` });
    button.disabled = true;
    button.append(element("canvas", "", { width, height }));
    button.addEventListener("click", () => open(index));
    return button;
  });
  $("pictures").replaceChildren(...places);
  const columns = Math.min(Math.ceil(Math.sqrt(count)), matchMedia("(max-width: 40rem)").matches ? 4 : 8);
  $("pictures").style.setProperty("--columns", columns);
  $("progress").value = 0;
  $("cancel").hidden = false;
  say(engine.workers.some(({ idle }) => idle) ? "Sampling…" : "Getting ready…");
  location.replace(`#${fragment(settings())}`);
  const { times, renoising } = samplingFor(model, w);
  const request = (index) => ({ label: asked, w, seed: seed + index });
  engine.sample(places.map((_, index) => request(index)), times.length - 1 + renoising.length);
}

// -- the request ---------------------------------------------------------------------------------------------------

function settings() {
  const w = model.guidance.takes_w ? Number($("w").value) : 1;
  return { attrs: $("names").value.trim() || ANY, w, seed: Number($("seed").value), count: Number($("count").value) };
}

/** Whether what is written can be asked for; says what is wrong if not. */
function readNames() {
  const text = $("names").value.trim() || ANY;
  let message = "";
  try {
    if (/[:|*]/.test(text)) throw new Refused("weights and several conditions are for sample.py; write names alone");
    asked = schema.encode(text);
    const [pair] = schema.unseenPairs(asked);
    message = pair ? `No training picture has both ${pair[0]} and ${pair[1]}.` : "";
    $("closest").replaceChildren();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    $("said").textContent = offered(text, error.message);
    $("said").className = "wrong";
    $("names").setAttribute("aria-invalid", "true");
    return false;
  }
  $("said").textContent = message || HINT;
  $("said").className = "";
  $("names").removeAttribute("aria-invalid");
  showInPicker($("slots"), schema, asked);
  return true;
}

/** What is wrong with a request, after making buttons that mend the first name that is not known. */
function offered(text, message) {
  const tokens = text.split(",").map((token) => token.trim());
  const at = tokens.findIndex((token) => {
    try {
      return token && schema.encode(token) && false;
    } catch (error) {
      return error.message.startsWith("unknown attribute");
    }
  });
  const phrase = at >= 0 && tokens[at].includes(" ") ? namesIn(schema, text) : "";
  const minus = at >= 0 && isAbsence(withHyphen(tokens[at])) ? "-" : "";
  const names = at < 0 || phrase ? [] : schema.closest(tokens[at]);
  const offers = names.map((name) => [name, tokens.with(at, minus + name).join(", ")]);
  $("closest").replaceChildren(...(phrase ? [[phrase, phrase]] : offers).map(offer));
  if (phrase) return "This line takes names alone; did you mean";
  return offers.length ? message.replace(/; closest: .*/, "; did you mean") : message;
}

/** A button that writes a request. */
function offer([name, request]) {
  const button = element("button", name, { type: "button" });
  button.addEventListener("click", () => {
    $("names").value = request;
    $("names").focus();
    readNames();
  });
  return button;
}

// -- links ---------------------------------------------------------------------------------------------------------

function fragment({ attrs, w, seed, count }) {
  return new URLSearchParams({ attrs, w, seed, n: count }).toString();
}

/** Settings from the fragment of the address; what is not there, or no number, stays as it is. */
function readFragment() {
  const given = new URLSearchParams(location.hash.slice(1));
  const number = (key, least, most) => {
    const value = Number(given.get(key));
    return given.get(key) && value >= least && value <= most ? String(value) : null;
  };
  if (given.has("attrs")) $("names").value = given.get("attrs") === ANY ? "" : given.get("attrs");
  $("w").value = number("w", 0, 8) ?? $("w").value;
  const seed = number("seed", 0, 0xffffffff);
  if (seed !== null) $("seed").value = String(Math.floor(Number(seed)));
  const count = number("n", 1, 64);
  if ([...$("count").options].some((option) => option.value === count)) $("count").value = count;
  showW();
}

async function copyLink(button, chosen) {
  const address = `${location.href.split("#")[0]}#${fragment(chosen)}`;
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(address);
    button.textContent = "Copied";
  } catch {
    history.replaceState(null, "", address); // which samples nothing anew
    button.textContent = "In the address bar";
  }
  setTimeout(() => (button.textContent = label), 2000);
}

function showW() {
  $("w-value").textContent = `w = ${$("w").value}`;
}

// -- start ---------------------------------------------------------------------------------------------------------

function listen() {
  $("ask").addEventListener("submit", (event) => (event.preventDefault(), generate()));
  $("names").addEventListener("input", readNames);
  $("w").addEventListener("input", showW);
  $("another").addEventListener("click", () => {
    $("seed").value = String(Math.floor(Math.random() * 1e6));
    generate();
  });
  $("cancel").addEventListener("click", () => {
    engine.cancel();
    const done = pictures.filter(Boolean).length;
    rest(`Cancelled; ${done} of ${pictures.length} pictures are done.`);
    $("progress").value = done / pictures.length;
  });
  $("link").addEventListener("click", () => copyLink($("link"), settings()));
  window.addEventListener("hashchange", () => {
    if (location.hash.slice(1) === fragment(settings())) return;
    readFragment();
    generate();
  });
}

function start() {
  document.body.classList.toggle("see-through", model.image_shape[0] === 4);
  $("request").hidden = $("picker").hidden = !schema.fields.length;
  $("guidance").hidden = !model.guidance.takes_w;
  $("how-guidance").hidden = $("how-guidance").previousElementSibling.hidden = !model.guidance.takes_w;
  $("how-palette").hidden = model.prediction !== "palette";
  $("how-prior").hidden = model.prior === null;
  $("picker").open = matchMedia("(min-width: 56rem)").matches;
  $("w").value = String(model.guidance.w);
  $("seed").value = "0";
  $("about").textContent = model.about;
  $("names").placeholder = schema.fields.length ? `any; for example ${model.example}` : ANY;
  buildPicker($("slots"), schema, (column, name) => {
    $("names").value = withChoice(schema, asked, column, name);
    readNames();
  });
  readFragment();
  listen();
  listenToDialog();
  engine.open().catch((error) => rest(`Could not start: ${error.message}`, true));
  generate();
}

start();
