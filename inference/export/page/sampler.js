"use strict";
// From noise to a picture, as diffusion/ does it: samplers, classifier-free guidance (Ho & Salimans 2022), palettes.

const NEGLIGIBLE = 1e-9; // a smaller weight counts as zero

/**
 * One picture: {pixels, frames, label, evaluations}.
 *
 * model   : the description that the page holds, `prepared`
 * run     : async (x_t Float32Array of B pictures, t, labels: B rows) -> Float32Array of B outputs
 * request : {label, seed, w}
 * onStep  : async, called after each step with the number of steps done; it may throw to stop
 */
async function samplePicture(model, run, request, onStep) {
  const label = completes(model, request.w)
    ? completed(model.prior, model.schema.fields, request.label, request.seed)
    : request.label;
  const { sampler, times, refine, renoising } = samplingFor(model, request.w);
  const random = new MersenneTwister(request.seed);
  const frames = [];
  let evaluations = 0;
  const predict = async (x_t, t) => {
    const { x_0, evaluated } = await denoise(model, run, x_t, t, label, request.w);
    evaluations += evaluated;
    return x_0;
  };
  const stepped = (t, x_t, x_0) => onStep(frames.push({ t, x_t: toBytes(x_t), x_0: toBytes(x_0) }));
  let x = normalNoise(random, model.image_shape.reduce((product, side) => product * side));
  let before = null; // the last evaluation, {t, x_0}
  for (let i = 0; i + 1 < times.length; i++) {
    const [x_t, now] = [x, { t: times[i], x_0: await predict(x, times[i]) }];
    x = SAMPLERS[sampler](model, x_t, now, times[i + 1], before);
    before = now;
    await stepped(now.t, x_t, now.x_0);
  }
  for (const t of renoising) {
    const renoised = Array.from({ length: refine }, () => addNoise(model, x, normalNoise(random, x.length), t));
    x = await meanOf(renoised, (x_t) => predict(x_t, t));
    await stepped(t, renoised.at(-1), x);
  }
  const pixels = quantised(visible(toBytes(x), model), model);
  frames.push({ t: 0, x_t: pixels, x_0: pixels });
  return { pixels, frames, label, evaluations };
}

/** The mean of what a function makes of each of some pictures. */
async function meanOf(pictures, predict) {
  const mean = new Float32Array(pictures[0].length);
  for (const picture of pictures) {
    (await predict(picture)).forEach((value, i) => (mean[i] += value / pictures.length));
  }
  return mean;
}

/** Whether what a request leaves open is decided by the label prior, before the picture is sampled. */
function completes(model, w) {
  return model.prior !== null && w > 0;
}

/** How pictures are sampled at this w. */
function samplingFor(model, w) {
  return completes(model, w) ? model.sampling.complete : model.sampling.open;
}

/** How much of picture and of noise there is at time t: sqrt(alpha_bar_t), sqrt(1 - alpha_bar_t). */
function mixture(model, t) {
  return [Math.sqrt(model.alpha_bar[t]), Math.sqrt(1 - model.alpha_bar[t])];
}

/** The forward process: x_t = signal_t x_0 + noise_t eps. */
function addNoise(model, x_0, eps, t) {
  const [signal, noise] = mixture(model, t);
  return eps.map((e, i) => signal * x_0[i] + noise * e);
}

/** From x_t to x_s: (model, x_t, the evaluation {t, x_0} there, s, the evaluation before or null) -> x_s. */
const SAMPLERS = {
  /** Song et al. 2021, equation 12 without fresh noise: x_s = signal_s x_0 + noise_s eps. */
  ddim(model, x_t, { t, x_0 }, s) {
    const [signal, noise] = mixture(model, t);
    return addNoise(model, x_0, x_t.map((x, i) => (x - signal * x_0[i]) / noise), s);
  },

  /** DPM-Solver++(2M), Lu et al. 2022b, algorithm 2; x_0 continues along the line through two evaluations. */
  dpmpp_2m(model, x_t, now, s, before) {
    if (s === 0) return now.x_0;
    const [[, noise], [nextSignal, nextNoise]] = [mixture(model, now.t), mixture(model, s)];
    const h = halfLogSnr(model, s) - halfLogSnr(model, now.t);
    const ahead = before ? h / (2 * (halfLogSnr(model, now.t) - halfLogSnr(model, before.t))) : 0;
    const slope = (i) => (before ? ahead * (now.x_0[i] - before.x_0[i]) : 0);
    return x_t.map((x, i) => (nextNoise / noise) * x - nextSignal * Math.expm1(-h) * (now.x_0[i] + slope(i)));
  },
};

/** log(signal / noise) at time t. */
function halfLogSnr(model, t) {
  const [signal, noise] = mixture(model, t);
  return Math.log(signal / noise);
}

/** The weight of the condition at time t; guidance fades at low noise. */
function guidanceAt(model, t, w) {
  const { fade } = model.guidance;
  const base = Math.min(w, 1);
  return base + (fade ? Math.min(t / model.T / fade, 1) : 1) * (w - base);
}

/** The picture that the network predicts at x_t, the request and its guidance inside: {x_0, evaluated}. */
async function denoise(model, run, x_t, t, label, w) {
  const open = label.map(() => UNKNOWN);
  const asks = label.some((value) => value !== UNKNOWN);
  const weight = asks ? guidanceAt(model, t, w) : 1;
  const parts = [[label, weight], [open, 1 - weight]].filter(([, share]) => Math.abs(share) > NEGLIGIBLE);
  const batch = new Float32Array(parts.length * x_t.length);
  parts.forEach((_, i) => batch.set(x_t, i * x_t.length));
  const outputs = await run(batch, t, parts.map(([row]) => row));
  const size = outputs.length / parts.length;
  const branches = parts.map(([, share], i) => ({ share, output: outputs.subarray(i * size, (i + 1) * size) }));
  return { x_0: predicted(model, combined(model, branches), x_t, t), evaluated: parts.length };
}

/** The guided output: that of each branch times its share; of a palette, without the colours that none asks for. */
function combined(model, branches) {
  if (branches.length === 1) return branches[0].output;
  const output = new Float32Array(branches[0].output.length);
  for (const { share, output: own } of branches) for (let i = 0; i < own.length; i++) output[i] += share * own[i];
  if (model.prediction !== "palette") return output;
  const allowed = new Uint8Array(output.length);
  for (const { share, output: own } of branches) if (share > 0) allowPlausible(model, own, allowed);
  return output.map((logit, i) => (allowed[i] ? logit : -Infinity));
}

/**
 * Marks the logits (K, H, W) of colours that are at least a tenth as likely as the likeliest: guidance would amplify
 * others, which were hardly trained (Li et al. 2023: the plausibility constraint of contrastive decoding).
 */
function allowPlausible(model, logits, allowed) {
  const most = greatest(logits, logits.length / model.palette.colours.length);
  const apart = Math.fround(Math.log(model.guidance.plausible));
  const least = most.map((logit) => logit + apart);
  for (let at = 0; at < logits.length; at++) if (logits[at] >= least[at % least.length]) allowed[at] = 1;
}

/** The greatest logit of each of `area` pixels. */
function greatest(logits, area) {
  const most = new Float32Array(area).fill(-Infinity);
  for (let at = 0; at < logits.length; at++) most[at % area] = Math.max(most[at % area], logits[at]);
  return most;
}

/** x_0, limited to [-1, 1], from the guided output of the network. */
function predicted(model, output, x_t, t) {
  const [signal, noise] = mixture(model, t);
  const limit = (value) => Math.max(-1, Math.min(1, value));
  if (model.prediction === "palette") return expectedColours(model, output);
  if (model.prediction === "x_0") return output.map(limit);
  if (model.prediction === "eps") return x_t.map((x, i) => limit((x - noise * output[i]) / signal));
  return x_t.map((x, i) => limit(signal * x - noise * output[i]));
}

/** The mean colour (C, H, W) of each pixel, by the softmax of logits (K, H, W). */
function expectedColours(model, logits) {
  const colours = model.palette.colours.map((levels) => levels.map((level) => level / 127.5 - 1));
  const [area, channels] = [logits.length / colours.length, colours[0].length];
  const most = greatest(logits, area);
  const total = new Float64Array(area);
  const sums = new Float64Array(channels * area);
  colours.forEach((levels, k) => {
    for (let i = 0; i < area; i++) {
      const p = Math.exp(logits[k * area + i] - most[i]);
      total[i] += p;
      for (let c = 0; c < channels; c++) sums[c * area + i] += p * levels[c];
    }
  });
  return Float32Array.from(sums, (sum, at) => sum / total[at % area]);
}

/** [-1, 1] -> levels from 0 to 255, a half to the even one. */
function toBytes(x) {
  return Uint8ClampedArray.from(x, (value) => (Math.max(-1, Math.min(1, value)) + 1) * 127.5); // which rounds so
}

/** Of four channels, no colour brighter than its alpha, by which it is multiplied. */
function visible(pixels, { image_shape: [channels, height, width] }) {
  const area = height * width;
  if (channels !== 4) return pixels;
  return pixels.map((level, i) => Math.min(level, pixels[3 * area + (i % area)]));
}

/** Each pixel in the nearest of the colours that training pictures have there; the first of equally near ones. */
function quantised(pixels, { palette }) {
  if (palette === null) return pixels;
  const { colours, atPixel } = palette;
  const channels = colours[0].length;
  const area = pixels.length / channels;
  const result = new Uint8ClampedArray(pixels.length);
  for (let i = 0; i < area; i++) {
    let [best, least] = [0, Infinity];
    for (let k = 0; k < colours.length; k++) {
      if (atPixel && !atPixel[k * area + i]) continue;
      let apart = 0;
      for (let c = 0; c < channels; c++) apart += (pixels[c * area + i] - colours[k][c]) ** 2;
      if (apart < least) [best, least] = [k, apart];
    }
    for (let c = 0; c < channels; c++) result[c * area + i] = colours[best][c];
  }
  return result;
}

/** A picture that is there, noised to time t by the noise of its seed, in levels. */
function noised(model, pixels, seed, t) {
  const x_0 = Float32Array.from(pixels, (level) => level / 127.5 - 1);
  return toBytes(addNoise(model, x_0, normalNoise(new MersenneTwister(seed), pixels.length), t));
}

/** One byte for each bit of base64, the highest of each byte first. */
function unpackedBits(base64, count) {
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  return Uint8Array.from({ length: count }, (_, i) => (bytes[i >> 3] >> (7 - (i & 7))) & 1);
}

/** The description as the sampler takes it. */
function prepared(description) {
  const { palette, image_shape: [, height, width] } = description;
  if (!palette || !palette.at_pixel) return description;
  const atPixel = unpackedBits(palette.at_pixel, palette.colours.length * height * width);
  return { ...description, palette: { ...palette, atPixel } };
}
