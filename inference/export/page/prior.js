"use strict";
// What a request leaves open, sampled from the label prior before the picture is, as conditions/prior.py does it.

const LABELS = 0x6c6162656c; // sets the seed of a picture's label apart from that of its noise

/** A label with all that is UNKNOWN sampled, given what is known; groups agree with their slots. */
function completed(prior, fields, label, seed) {
  const random = new MersenneTwister(Number(BigInt.asUintN(32, BigInt(seed) ^ BigInt(LABELS))));
  const columns = fields.flatMap((field, f) => (field.slot ? [] : [f]));
  const allowed = allowedValues(fields, columns, label);
  const order = slotOrder(prior);
  const { weights, upwards } = messages(prior, allowed, order);
  const chosen = new Array(columns.length).fill(0);
  const root = (chosen[prior.root] = pick(weights, random));
  for (const slot of order) {
    const over = prior.above[slot] < 0 ? 0 : chosen[prior.above[slot]];
    const row = prior.tables[slot][root][over];
    chosen[slot] = pick(row.map((p, k) => p * upwards[slot][root][k]), random);
  }
  const found = [...label];
  columns.forEach((column, slot) => (found[column] = chosen[slot]));
  return withGroups(fields, found);
}

/** Of each slot, for each of its values, 1 where it agrees with the label and 0 where not. */
function allowedValues(fields, columns, label) {
  const allowed = columns.map((column) => fields[column].values.map(() => 1));
  fields.forEach((field, f) => {
    if (label[f] === UNKNOWN) return;
    const column = field.slot ? fields.findIndex((other) => other.name === field.slot) : f;
    const at = allowed[columns.indexOf(column)];
    fields[column].values.forEach((value, k) => {
      const fits = field.slot ? field.members.includes(value) === (label[f] === 1) : k === label[f];
      if (!fits) at[k] = 0;
    });
  });
  return allowed;
}

/** Places of the slots but for the root, each after the one above it. */
function slotOrder(prior) {
  const places = prior.above.map((_, slot) => slot);
  const order = places.filter((slot) => prior.above[slot] < 0 && slot !== prior.root);
  for (const slot of order) order.push(...places.filter((child) => prior.above[child] === slot)); // which grows
  return order;
}

/** From the leaves to the root: how likely what is known is, given each value of the root. */
function messages(prior, allowed, order) {
  const upwards = allowed.map((row) => prior.first.map(() => [...row])); // slot, root, value
  const weights = prior.first.map((p, root) => p * allowed[prior.root][root]);
  for (const slot of [...order].reverse()) {
    prior.tables[slot].forEach((part, root) =>
      part.forEach((row, over) => {
        const message = row.reduce((sum, p, k) => sum + p * upwards[slot][root][k], 0);
        if (prior.above[slot] < 0) weights[root] *= message;
        else upwards[prior.above[slot]][root][over] *= message;
      }),
    );
  }
  if (!(weights.reduce((sum, p) => sum + p, 0) > 0)) throw new Refused("no picture can show all of this; ask for less");
  return { weights, upwards };
}

/** A place, each as often as its weight says. */
function pick(weights, random) {
  const share = random.uniform53() * weights.reduce((sum, weight) => sum + weight, 0);
  const last = weights.findLastIndex((weight) => weight > 0);
  let upTo = 0;
  for (let i = 0; i < last; i++) {
    upTo += weights[i];
    if (upTo > share) return i;
  }
  return last;
}

/** A label with each group set to what the value of its slot implies. */
function withGroups(fields, label) {
  return label.map((value, f) => {
    const { slot, members } = fields[f];
    if (!slot) return value;
    const column = fields.findIndex((field) => field.name === slot);
    return members.includes(fields[column].values[label[column]]) ? 1 : 0;
  });
}
