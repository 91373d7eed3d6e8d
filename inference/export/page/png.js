"use strict";
// PNG files (ISO/IEC 15948) that say how they came about, in the text chunk that sample.py reads.

const SETTINGS_KEY = "ddpm-cfg";
const COLOUR_TYPES = { 1: 0, 3: 2, 4: 6 }; // grey, RGB, RGBA

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});

/** A picture (C, H, W) of levels, enlarged, as a PNG with its settings inside. */
async function encodePng(pixels, [channels, height, width], scale, settings) {
  const header = new DataView(new ArrayBuffer(13));
  header.setUint32(0, width * scale);
  header.setUint32(4, height * scale);
  header.setUint8(8, 8); // bits for each channel
  header.setUint8(9, COLOUR_TYPES[channels]);
  const levels = straightened(pixels, [channels, height, width]);
  const rows = new Blob([scanlines(levels, [channels, height, width], scale)]).stream();
  const packed = await new Response(rows.pipeThrough(new CompressionStream("deflate"))).arrayBuffer();
  const text = `${SETTINGS_KEY}\0${asciiJson(settings)}`;
  const parts = [
    chunk("IHDR", new Uint8Array(header.buffer)),
    chunk("tEXt", Uint8Array.from(text, (c) => c.charCodeAt(0))),
    chunk("IDAT", new Uint8Array(packed)),
    chunk("IEND", new Uint8Array(0)),
  ];
  return new Blob([Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10), ...parts], { type: "image/png" });
}

/** Levels (C, H, W), of four channels with colours that are not multiplied by their alpha, as files and canvases have it. */
function straightened(pixels, [channels, height, width]) {
  const area = height * width;
  if (channels !== 4) return pixels;
  return Uint8ClampedArray.from(pixels, (level, i) => {
    const most = Math.max(pixels[3 * area + (i % area)], 1);
    return i < 3 * area ? Math.floor((level * 255 + Math.floor(most / 2)) / most) : level;
  });
}

/** Rows from top to bottom, each after a 0 for "not filtered". */
function scanlines(pixels, [channels, height, width], scale) {
  const length = 1 + width * scale * channels;
  const rows = new Uint8Array(height * scale * length);
  for (let y = 0; y < height * scale; y++) {
    for (let x = 0; x < width * scale; x++) {
      const from = Math.floor(y / scale) * width + Math.floor(x / scale);
      for (let c = 0; c < channels; c++) rows[y * length + 1 + x * channels + c] = pixels[c * height * width + from];
    }
  }
  return rows;
}

function chunk(kind, data) {
  const bytes = new Uint8Array(data.length + 12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  for (let i = 0; i < 4; i++) bytes[4 + i] = kind.charCodeAt(i);
  bytes.set(data, 8);
  let crc = 0xffffffff;
  for (let i = 4; i < data.length + 8; i++) crc = CRC_TABLE[(crc ^ bytes[i]) & 255] ^ (crc >>> 8);
  view.setUint32(data.length + 8, ~crc >>> 0);
  return bytes;
}

function asciiJson(value) {
  return JSON.stringify(value).replace(/[\u0080-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
