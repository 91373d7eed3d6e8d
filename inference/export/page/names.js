"use strict";
// Requests in names, "male, -hat", by the rules of conditions/names.py and conditions/schema.py, whose messages these are.

const UNKNOWN = -1;
const NONE = "none";
const ANY = "any";
const DASHES = "-\u2010\u2011\u2012\u2013\u2212\ufe63\uff0d"; // hyphens, the en dash and minus signs, as text is pasted
const CLOSEST = 4;

/** Why a request cannot be met, for the person who wrote it. */
class Refused extends Error {}

/** The form in which names are compared: no case, spaces, hyphens or underscores. */
function normalise(name) {
  const folded = Array.from(name, (c) => c.toUpperCase().toLowerCase()).join(""); // also of letters such as the sharp s
  return folded.replace(new RegExp(`[${DASHES}\\s_]+`, "g"), "");
}

/** A name with a plain "-" in the place of a minus sign or dash before it. */
function withHyphen(token) {
  return token && DASHES.includes(token[0]) ? `-${token.slice(1)}` : token;
}

const isAbsence = (token) => token.startsWith("-");
const bare = (token) => token.replace(/^[- ]+/, "");
const optional = (field) => field.values[0] === NONE;

/** In quotes, as Python writes text. */
function quoted(text) {
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replace(/\\/g, "\\\\").replace(/\n/g, "\\n").replace(/\t/g, "\\t");
  return mark + (mark === "'" ? escaped.replace(/'/g, "\\'") : escaped) + mark;
}

/** How alike two texts are, from 0 to 1: twice the longest common subsequence by both lengths. */
function likeness(a, b) {
  const [left, right] = [Array.from(a), Array.from(b)];
  if (left.length + right.length === 0) return 1;
  let row = new Array(right.length + 1).fill(0);
  for (const c of left) {
    const next = [0];
    right.forEach((d, j) => next.push(c === d ? row[j] + 1 : Math.max(row[j + 1], next[j])));
    row = next;
  }
  return (2 * row[right.length]) / (left.length + right.length);
}

/** The fields of a label, and the names that people use for their values. */
class Schema {
  constructor({ fields, aliases, seen }) {
    this.fields = fields;
    this.seen = seen;
    this.column = new Map(fields.map((field, f) => [field.name, f]));
    this.values = new Map(); // normalised name -> [field, value]
    this.slots = new Map(); // normalised name -> field
    this.aliases = new Map(); // normalised name -> names
    fields.forEach((field, f) =>
      field.values.forEach((value, v) => value !== NONE && this.values.set(normalise(value), [f, v])),
    );
    fields.forEach((field, f) => field.values.includes(field.name) || this.slots.set(normalise(field.name), f));
    for (const [alias, names] of Object.entries(aliases)) {
      if (!this.aliases.has(normalise(alias))) this.aliases.set(normalise(alias), names);
    }
    this.known = [...fields.flatMap((field) => field.values.filter((v) => v !== NONE)), ...Object.keys(aliases)];
  }

  unknown() {
    return this.fields.map(() => UNKNOWN);
  }

  /** The label, UNKNOWN for fields that are left out, of "male, -hat". Throws Refused. */
  encode(text) {
    const label = this.unknown();
    const said = new Map(); // field -> the name that set it
    const tokens = this.tokens(text);
    const present = tokens.filter((token) => !isAbsence(token)).flatMap((token) => this.resolve(token));
    for (const token of tokens) {
      if (this.saysNothing(token, present)) continue;
      for (const [f, v] of this.resolve(token)) {
        if (label[f] !== UNKNOWN && label[f] !== v) {
          const both = `${quoted(said.get(f))} and ${quoted(token)}`;
          throw new Refused(`${both} exclude each other, both set ${quoted(this.fields[f].name)}; name one`);
        }
        label[f] = v;
        said.set(f, token);
      }
    }
    this.refuseContradictions(label, said);
    return label;
  }

  tokens(text) {
    const trimmed = text.trim();
    const parts = (trimmed.endsWith(",") ? trimmed.slice(0, -1) : trimmed).split(",");
    const tokens = parts.map((part) => withHyphen(part.trim()));
    if (tokens.length === 1 && tokens[0].toLowerCase() === ANY) return [];
    if (tokens.some((token) => !normalise(token))) {
      const example = this.fields.length ? this.fields[0].values.at(-1) : ANY;
      throw new Refused(`a name is missing; write names between commas, such as ${example}, or any for none`);
    }
    if (!this.fields.length) {
      throw new Refused(
        "this model is unconditional (trained with cfg=off) and knows no attributes; use any, or a checkpoint " +
          "trained with labels",
      );
    }
    for (const token of tokens) {
      if (isAbsence(token) && isAbsence(withHyphen(token.slice(1).trim()))) {
        throw new Refused(`${quoted(token)} has more than one minus; one asks for absence, as in -hat`);
      }
    }
    return tokens;
  }

  /** The [field, value] pairs that one name, alias or "-name" stands for. */
  resolve(token) {
    const key = normalise(token);
    if (isAbsence(token)) {
      if (this.emptiedBy(bare(token)) !== null) return this.resolve(this.opposite(bare(token)));
      return [[this.absentField(token), 0]];
    }
    if (this.values.has(key)) return [this.values.get(key)];
    if (this.aliases.has(key)) {
      return this.aliases.get(key).split(",").flatMap((name) => this.resolve(name.trim()));
    }
    if (this.slots.has(key)) {
      const field = this.fields[this.slots.get(key)];
      const values = field.values.filter((value) => value !== NONE).join(", ");
      const none = optional(field) ? `, or -${field.name} for none` : "";
      throw new Refused(`${quoted(token)} is a slot, not a value; name one of ${values}${none}`);
    }
    if (key === ANY) throw new Refused("'any' leaves everything open; write it alone, without a minus or other names");
    throw new Refused(`unknown attribute ${quoted(token)}; closest: ${this.closest(token).join(", ")}`);
  }

  /** What "not" before a name asks for: "-hat" of "hat", "hat" of "-hat", "hair" of "bald". */
  opposite(name) {
    if (isAbsence(name)) return bare(name);
    const emptied = this.emptiedBy(name);
    if (emptied === null) return `-${name}`;
    const field = this.fields[emptied];
    const groups = this.fields.filter((other) => other.slot === field.name);
    const wholes = groups.filter((group) => sameMembers(group.members, field.values.slice(1)));
    const single = field.slot || field.values.length === 2;
    const filled = single ? [field.values[1]] : wholes.map((group) => group.values[1]);
    const contrary = this.aliases.get(normalise(`not ${name}`)) || filled[0];
    if (contrary) return contrary;
    const choices = [...groups.map((group) => group.values[1]), `a value such as ${field.values[1]}`].join(", ");
    throw new Refused(
      `'-${name}' only says that ${quoted(field.name)} is not empty; name what is to be there: ${choices}`,
    );
  }

  /** Whether a "-name" adds nothing to the pairs of the other names: "-frown" beside "smile", "-bald" beside a hat. */
  saysNothing(token, beside) {
    if (!isAbsence(token) || this.slots.has(normalise(token))) return false;
    const emptied = this.emptiedBy(bare(token));
    if (emptied !== null) {
      const slot = this.fields[emptied].name;
      return beside.some(([f, v]) => v && (this.fields[f].name === slot || this.fields[f].slot === slot));
    }
    const [[f, v], ...others] = this.resolve(bare(token));
    return !others.length && beside.some(([g, u]) => g === f && u !== 0 && u !== v);
  }

  /** The field that an alias for an absence leaves without a value: head for "bald"; null for other names. */
  emptiedBy(name) {
    const pairs = this.slots.has(normalise(name)) ? [] : this.resolve(name);
    const [f, v] = pairs.length === 1 ? pairs[0] : [0, UNKNOWN];
    return v === 0 && optional(this.fields[f]) ? f : null;
  }

  /** The field that "-name" sets to none: that of a slot or group, or the group of a value, or its slot. */
  absentField(token) {
    const key = normalise(token);
    const isSlot = this.slots.has(key);
    const [[f, v], ...others] = isSlot ? [[this.slots.get(key), UNKNOWN]] : this.resolve(bare(token));
    const field = this.fields[f];
    if (others.length) {
      throw new Refused(`${quoted(token)} is no single thing that can be absent; name a value or a slot`);
    }
    if (!optional(field)) {
      const wanted = field.values.join(", ");
      throw new Refused(`${quoted(token)}: ${quoted(field.name)} is never absent; name what you want of ${wanted}`);
    }
    if (isSlot) return f;
    const coarse = this.fields.findIndex((other) => other.slot === field.name && other.members.includes(field.values[v]));
    return coarse < 0 ? f : coarse;
  }

  /** Every slot must keep a value that agrees with all that was said about it. */
  refuseContradictions(label, said) {
    const possible = new Map(this.fields.filter((field) => !field.slot).map((field) => [field.name, field.values]));
    for (const [f, token] of said) {
      const name = this.fields[f].slot || this.fields[f].name;
      const agreeing = this.slotValues(f, label[f]);
      possible.set(name, possible.get(name).filter((value) => agreeing.includes(value)));
      if (!possible.get(name).length) {
        const others = [...said].filter(([g]) => g !== f && [this.fields[g].slot, this.fields[g].name].includes(name));
        const names = [...others.map(([, other]) => quoted(other)), quoted(token)].join(" and ");
        throw new Refused(`${names} exclude each other in ${quoted(name)}; name one`);
      }
    }
  }

  /** The values of field f's slot that remain possible when field f has value v. */
  slotValues(f, v) {
    const field = this.fields[f];
    if (!field.slot) return [field.values[v]];
    if (v) return field.members;
    return this.fields[this.column.get(field.slot)].values.filter((value) => !field.members.includes(value));
  }

  /** The known names most like this one, best first. */
  closest(name, n = CLOSEST) {
    const wanted = normalise(name);
    const scored = this.known.map((known, i) => [likeness(wanted, normalise(known)), i, known]);
    return scored.sort(([a, i], [b, j]) => b - a || i - j).slice(0, n).map(([, , known]) => known);
  }

  /** The names that `encode` turns into this label again. */
  names(label) {
    return this.fields.flatMap((field, f) => {
      if (label[f] === UNKNOWN) return [];
      return [field.values[label[f]] === NONE ? `-${field.name}` : field.values[label[f]]];
    });
  }

  /** Pairs of requested names that no training picture has together. */
  unseenPairs(label) {
    if (!this.seen) return [];
    const total = this.fields.reduce((sum, field) => sum + field.values.length, 0);
    const rows = [];
    let offset = 0;
    this.fields.forEach((field, f) => {
      if (label[f] !== UNKNOWN) rows.push(offset + label[f]);
      offset += field.values.length;
    });
    const names = this.names(label);
    const together = (a, b) => {
      const bit = a * total + b;
      return (parseInt(this.seen.substr(2 * (bit >> 3), 2), 16) >> (7 - (bit & 7))) & 1;
    };
    return rows.flatMap((a, i) => rows.slice(i + 1).flatMap((b, j) => (together(a, b) ? [] : [[names[i], names[i + 1 + j]]])));
  }
}

function sameMembers(a, b) {
  return a.length === b.length && a.every((value) => b.includes(value));
}
