"use strict";
// The lists from which a request is chosen, one for each slot. Every name is set as text, never as markup.

/** A new element with text and attributes. */
function element(tag, text = "", attributes = {}) {
  const made = document.createElement(tag);
  made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

/** Fills `place` with a list for each slot; `changed` gets a slot's column and the name that was chosen, "" for any. */
function buildPicker(place, schema, changed) {
  schema.fields.forEach((field, f) => {
    if (field.slot) return;
    const label = element("label", field.name);
    const select = element("select", "", { "data-column": String(f) });
    select.append(...choices(schema, field));
    select.addEventListener("change", () => changed(f, select.value));
    label.append(select);
    place.append(label);
  });
}

/** The options of a slot: any, none, its groups, and its values by group. */
function choices(schema, field) {
  const option = (value, text) => element("option", text, { value });
  const groups = schema.fields.filter((other) => other.slot === field.name);
  const general = [option("", "any")];
  if (optional(field)) general.push(option(`-${field.name}`, "none"));
  for (const group of groups) {
    general.push(option(group.values[1], `any ${group.name}`), option(`-${group.name}`, `no ${group.name}`));
  }
  const taken = new Set([NONE]);
  const parts = groups.map((group) => [group.name, field.values.filter((value) => group.members.includes(value))]);
  const lists = [...parts, [groups.length ? "others" : "", field.values]].map(([name, values]) => {
    const own = values.filter((value) => !taken.has(value));
    own.forEach((value) => taken.add(value));
    return [name, own.map((value) => option(value, value))];
  });
  return [
    ...general,
    ...lists.flatMap(([name, options]) => {
      if (!options.length || !name) return options;
      const list = element("optgroup", "", { label: name });
      list.append(...options);
      return [list];
    }),
  ];
}

/** Show a label in the lists. */
function showInPicker(place, schema, label) {
  for (const select of place.querySelectorAll("select")) {
    select.value = chosenIn(schema, label, Number(select.dataset.column));
    if (select.selectedIndex < 0) select.value = "";
    select.classList.toggle("chosen", select.value !== "");
  }
}

/** The name by which a label sets a slot, or one of its groups; "" where it leaves the slot open. */
function chosenIn(schema, label, column) {
  const own = namesOf(schema, label, (field, f) => f === column);
  const groups = namesOf(schema, label, (field) => field.slot === schema.fields[column].name);
  return own[0] ?? groups.find((name) => !isAbsence(name)) ?? groups[0] ?? "";
}

/** The names of a label in some of its fields. */
function namesOf(schema, label, chosen) {
  return schema.names(label.map((value, f) => (chosen(schema.fields[f], f) ? value : UNKNOWN)));
}

/** A request with one slot chosen anew. */
function withChoice(schema, label, column, name) {
  const slot = schema.fields[column].name;
  const others = namesOf(schema, label, (field, f) => f !== column && field.slot !== slot);
  return [...others, ...(name ? [name] : [])].join(", ");
}
