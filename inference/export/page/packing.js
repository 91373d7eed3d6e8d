"use strict";
// What the page carries beside text: compressed bytes, seven bits to a character; inference/export/page.py packs them.

/** The bytes of a text, before they were packed. */
async function unpacked(text) {
  const [length, start] = [parseInt(text, 10), text.indexOf(":") + 1];
  const bytes = new Uint8Array(length);
  let [held, bits, at] = [0, 0, 0];
  for (let i = start; at < length; i++) {
    held = (held << 7) | (text.charCodeAt(i) & 127);
    bits += 7;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = held >>> bits;
      held &= (1 << bits) - 1;
    }
  }
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Even bytes and then odd ones, in which half-precision floats compress better, in turn again. */
function interleaved(planes) {
  const bytes = new Uint8Array(planes.length);
  const half = Math.ceil(planes.length / 2);
  for (let i = 0; i < planes.length; i++) bytes[i] = planes[i & 1 ? half + (i >> 1) : i >> 1];
  return bytes;
}
