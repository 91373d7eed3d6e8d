"use strict";
// Samples pictures one after the other, away from the page. Each worker is a thread with a network of its own.

// To optimise the graph takes longer than it saves, of so few evaluations.
const OPTIONS = { executionProviders: ["wasm"], graphOptimizationLevel: "disabled" };

let networkGiven; // called with it
const network = new Promise((resolve) => (networkGiven = resolve));
let session = null;
let model = null;
let current = 0; // the newest round of pictures; older ones are given up

/** A raw output of the network for each of the labels. */
async function evaluate(x_t, t, labels) {
  const batch = labels.length;
  const fields = labels[0].length;
  const { output } = await session.run({
    x_t: new ort.Tensor("float32", x_t, [batch, ...model.image_shape]),
    t: new ort.Tensor("int64", new BigInt64Array(batch).fill(BigInt(t)), [batch]),
    cond: new ort.Tensor("int64", BigInt64Array.from(labels.flat(), BigInt), [batch, fields]),
  });
  return output.data;
}

/** Unpack what is given as text, and hand it to the page, so that further workers begin with it. */
async function takeNetwork({ network, packed }) {
  if (packed) {
    network = interleaved(await unpacked(packed));
    postMessage({ kind: "network", network });
  }
  if (network) networkGiven(network);
}

async function takeRuntime({ module, runtime }) {
  if (module) return module;
  module = await WebAssembly.compile(await unpacked(runtime));
  postMessage({ kind: "module", module });
  return module;
}

async function load(data) {
  model = prepared(data.description);
  await takeNetwork(data);
  const module = await takeRuntime(data);
  // The runtime fetches its binary, which pages from the disk cannot do, and compiles it; that is done already.
  self.fetch = async () => new Response();
  WebAssembly.instantiateStreaming = async (_, imports) => {
    return { module, instance: await WebAssembly.instantiate(module, imports) };
  };
  ort.env.wasm.numThreads = 1; // further workers are the further threads: they need no shared memory
  // No network at all is refused, but prepares the runtime, which takes a second, while the network is on its way.
  await ort.InferenceSession.create(new Uint8Array(), OPTIONS).catch(() => null);
  session = await ort.InferenceSession.create(await network, OPTIONS);
  postMessage({ kind: "ready" });
}

async function sample({ round, index, request }) {
  const onStep = async (done) => {
    postMessage({ kind: "step", round, index, done });
    await new Promise((resolve) => setTimeout(resolve)); // lets a newer message in
    if (round < current) throw new Refused("given up");
  };
  try {
    if (round < current) throw new Refused("given up");
    postMessage({ kind: "picture", round, index, request, ...(await samplePicture(model, evaluate, request, onStep)) });
  } catch (error) {
    if (round < current) postMessage({ kind: "free", round, index });
    else throw error;
  }
}

onmessage = async ({ data }) => {
  try {
    if (data.kind === "load") await load(data);
    if (data.kind === "network") await takeNetwork(data);
    if (data.kind === "sample") {
      current = Math.max(current, data.round);
      await sample(data);
    }
    if (data.kind === "cancel") current = Math.max(current, data.round + 1);
  } catch (error) {
    postMessage({ kind: "error", round: data.round, message: error.message || String(error) });
  }
};
