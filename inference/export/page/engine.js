"use strict";
// The workers that sample. The first unpacks what all of them need; where the device has more cores, more then follow.

const MOST_WORKERS = 4; // each holds a network of its own

class Engine {
  /** sources: the texts {worker, runtime, network, description}; listener: {picture, progress, finished, failed} */
  constructor(sources, listener) {
    this.sources = sources;
    this.listener = listener;
    this.workers = [];
    this.shared = null; // what the first worker has unpacked
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
  }

  addWorker() {
    const worker = new Worker(this.address);
    [worker.idle, worker.ready] = [false, false];
    worker.onmessage = ({ data }) => this.receive(worker, data);
    worker.onerror = (event) => this.lose(worker, event.message || "the worker could not start");
    const { description, runtime, network } = this.sources;
    const given = this.shared ? { shared: this.shared } : { sources: { runtime, network } };
    worker.postMessage({ kind: "load", round: this.round, description, ...given });
    this.workers.push(worker);
  }

  /** Sample these, in the place of all that is still going on. */
  sample(requests, stepsEach) {
    this.cancel();
    this.stepsEach = stepsEach;
    this.steps = requests.map(() => 0);
    this.pending = requests.length;
    this.queue = requests.map((request, index) => ({ kind: "sample", round: this.round, index, request }));
    if (!this.workers.length && this.address) this.addWorker(); // the first could not start; perhaps this one can
    this.dispatch();
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
    if (data.kind === "shared") return this.multiply(data.shared);
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

  multiply(shared) {
    this.shared = shared;
    while (this.workers.length < this.most) this.addWorker();
  }

  /** A further worker that cannot start, for want of memory, is done without; all else ends the round. */
  lose(worker, message) {
    worker.idle = worker.ready;
    if (!worker.ready) {
      worker.terminate();
      this.workers = this.workers.filter((other) => other !== worker);
      this.most = Math.max(1, this.workers.length);
      if (this.workers.length) return;
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
