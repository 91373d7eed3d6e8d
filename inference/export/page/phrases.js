"use strict";
// The names in a phrase, to be offered to who wrote it: "a man without a hat" -> "man, -hat". sample.py, which reads whole
// phrases (conditions/phrases.py), knows more of grammar, and French.

const NEGATIONS = /^(no|not|non|never|neither|nor|without|\w+n't)$/;
const LONGEST = 5; // words that a name spans at most
const CLOSE = 0.83; // likeness from which on words count as a typo of a name
const SHORT = 5; // letters below which nothing counts as a typo: "chat" is no hat

/** A request in names, "-name" after a negation; "" where there is none. What else the phrase says is left out. */
function namesIn(schema, phrase) {
  const plain = phrase.toLowerCase().replace(/\u2019/g, "'").replace(/\bw\/o\b/g, "without").replace(/'s\b/g, "");
  const words = plain.match(/-?[\p{L}\p{N}][\p{L}\p{N}'_-]*|[,;.]/gu) ?? [];
  const found = new Set();
  let negated = false;
  for (let at = 0; at < words.length; ) {
    const minus = isAbsence(words[at]);
    const [name, length] = nameAt(schema, words, at, negated || minus);
    if (name) found.add(negated || minus ? `-${name}` : name);
    negated = name ? negated && /^n?or$/.test(words[at + length]) : negated || NEGATIONS.test(words[at]);
    at += length;
  }
  const request = [...found].join(", ");
  try {
    schema.encode(request || ANY);
    return request;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return "";
  }
}

/** [name, number of words] of the longest name that begins at a word, a slot's only where absence is meant; else ["", 1]. */
function nameAt(schema, words, at, absent) {
  const end = words.findIndex((word, i) => i >= at && /^[,;.]$/.test(word));
  const most = Math.min(LONGEST, (end < 0 ? words.length : end) - at);
  for (let length = most; length > 0; length--) {
    const span = bare(words.slice(at, at + length).join(" "));
    const key = normalise(span);
    if (schema.values.has(key) || schema.aliases.has(key) || (absent && schema.slots.has(key))) return [span, length];
    const [closest] = schema.closest(span, 1);
    if (closest.split(/[ -]/).length === length && isTypo(key, normalise(closest))) return [closest, length];
  }
  return ["", 1];
}

function isTypo(written, name) {
  return written.length >= SHORT && written[0] === name[0] && likeness(written, name) >= CLOSE;
}
