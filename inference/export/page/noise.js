"use strict";
// Random numbers as PyTorch makes them on the CPU, so that a seed stands for the same noise here and there.

/** MT19937 (Matsumoto & Nishimura 1998): `next()` returns whole numbers of 32 bits. */
class MersenneTwister {
  constructor(seed) {
    this.state = new Uint32Array(624);
    this.state[0] = seed; // its lowest 32 bits
    for (let i = 1; i < 624; i++) {
      const before = this.state[i - 1] ^ (this.state[i - 1] >>> 30);
      this.state[i] = Math.imul(1812433253, before) + i;
    }
    this.at = 624;
  }

  next() {
    if (this.at === 624) this.twist();
    let y = this.state[this.at++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  twist() {
    const s = this.state;
    for (let i = 0; i < 624; i++) {
      const y = (s[i] & 0x80000000) | (s[(i + 1) % 624] & 0x7fffffff);
      s[i] = s[(i + 397) % 624] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    this.at = 0;
  }

  /** In [0, 1), of 24 bits: a float32. */
  uniform() {
    return (this.next() & 0xffffff) / 0x1000000;
  }

  /** In [0, 1), of 53 bits. */
  uniform53() {
    const [high, low] = [this.next(), this.next()];
    return ((high & 0x1fffff) * 0x100000000 + low) / 0x20000000000000;
  }
}

/** The next standard normal noise, as `torch.randn(count)` makes it of at least 16 numbers (Box & Muller 1958). */
function normalNoise(random, count) {
  const noise = Float32Array.from({ length: count }, () => random.uniform());
  const last = Math.floor(count / 16) * 16;
  for (let i = 0; i < last; i += 16) transform(noise, i);
  if (last < count) {
    for (let i = count - 16; i < count; i++) noise[i] = random.uniform();
    transform(noise, count - 16);
  }
  return noise;
}

/** Uniform numbers become normal ones: eight pairs from `start` on, in place. */
function transform(noise, start) {
  for (let i = start; i < start + 8; i++) {
    const radius = Math.sqrt(-2 * Math.log(1 - noise[i]));
    const angle = 2 * Math.PI * noise[i + 8];
    noise[i] = radius * Math.cos(angle);
    noise[i + 8] = radius * Math.sin(angle);
  }
}
