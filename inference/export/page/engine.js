"use strict";
// The workers that sample. The first prepares the runtime, the second unpacks the network, and where the device has more
// cores, more then follow.

const MOST_WORKERS = 4; // each holds a network of its own

class Engine {
  /**
   * sources  : the texts worker and runtime, a promise of the text network, and the description
   * listener : {picture, progress, finished, failed}
   */
  constructor(sources, listener) {
    this.sources = sources;
    this.listener = listener;
    this.workers = [];
    this.module = null; // the runtime, once it is compiled
    this.packed = null; // the network, once the browser has read it
    this.network = null; // the same, once it is unpacked
    this.unpacker = null; // the worker that does so
    this.queue = [];
    this.round = 0;
    this.pending = 0;
    this.steps = [];
    this.most = Math.max(1, Math.min(MOST_WORKERS, navigator.hardwareConcurrency || 1));
  }

  async open() {
    const script = new TextDecoder().decode(await unpacked(this.sources.worker));
    this.address = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
    this.addWorker();
    this.packed = await this.sources.network;
    this.spread();
  }

  /** What is there by now goes to those who need it. */
  spread() {
    if (!this.module || !this.packed) return;
    if (this.network) {
      while (this.workers.length < this.most) this.addWorker({ network: this.network });
    } else if (!this.unpacker) {
      this.unpacker = this.most > this.workers.length ? this.addWorker({ packed: this.packed }) : this.workers[0];
      if (this.unpacker === this.workers[0]) this.unpacker.postMessage({ kind: "network", packed: this.packed });
    }
  }

  addWorker(given = {}) {
    const worker = new Worker(this.address);
    [worker.idle, worker.ready] = [false, false];
    worker.onmessage = ({ data }) => this.receive(worker, data);
    worker.onerror = (event) => this.lose(worker, event.message || "the worker could not start");
    const runtime = this.module ? { module: this.module } : { runtime: this.sources.runtime };
    worker.postMessage({ kind: "load", round: this.round, description: this.sources.description, ...runtime, ...given });
    this.workers.push(worker);
    return worker;
  }

  /** Sample these, in the place of all that is still going on. */
  sample(requests, stepsEach) {
    this.cancel();
    this.stepsEach = stepsEach;
    this.steps = requests.map(() => 0);
    this.pending = requests.length;
    this.queue = requests.map((request, index) => ({ kind: "sample", round: this.round, index, request }));
    if (!this.workers.length && this.address) this.restart(); // the first could not start; perhaps this one can
    this.dispatch();
  }

  restart() {
    this.addWorker(this.network ? { network: this.network } : this.packed ? { packed: this.packed } : {});
  }

  cancel() {
    this.workers.forEach((worker) => worker.postMessage({ kind: "cancel", round: this.round }));
    this.round += 1;
    this.queue = [];
    this.pending = 0;
  }

  dispatch() {
    for (const worker of this.workers.filter(({ idle }) => idle)) {
      const job = this.queue.shift();
      if (!job) return;
      worker.idle = false;
      worker.postMessage(job);
    }
  }

  receive(worker, data) {
    if (data.kind === "error") return this.lose(worker, data.message);
    if (data.kind === "module" || data.kind === "network") return this.share(worker, data);
    if (data.kind === "ready") worker.ready = true;
    if (data.kind !== "step") worker.idle = true;
    if (data.round === this.round && data.kind === "step") this.progress(data.index, data.done);
    if (data.round === this.round && data.kind === "picture") {
      this.pending -= 1;
      this.listener.picture(data);
      if (this.pending === 0) this.listener.finished();
    }
    this.dispatch();
  }

  share(worker, { kind, module, network }) {
    if (kind === "module") this.module = module;
    if (kind === "network") {
      this.network = network;
      for (const other of this.workers.filter((one) => one !== worker)) other.postMessage({ kind, network });
    }
    this.spread();
  }

  /** A further worker that cannot start, for want of memory, is done without; all else ends the round. */
  lose(worker, message) {
    worker.idle = worker.ready;
    if (!worker.ready) {
      worker.terminate();
      this.workers = this.workers.filter((other) => other !== worker);
      this.most = Math.max(1, this.workers.length);
      if (worker === this.unpacker && !this.network) this.unpacker = null;
      if (this.workers.length) return this.spread();
    }
    this.cancel();
    this.listener.failed(message);
  }

  progress(index, done) {
    this.steps[index] = done;
    const total = this.steps.length * this.stepsEach;
    this.listener.progress(this.steps.reduce((sum, steps) => sum + steps, 0) / total);
  }
}
