// Pictures of which one is chosen by a click, or by Tab and Enter. Sends back which one it is, counted from 0.

const NARROW = 640; // pixels: in such windows the pictures are below all choices, and the button is at the foot

export default function ({ parentElement, data, setStateValue }) {
  const gallery = parentElement.querySelector(".gallery");
  gallery.setAttribute("aria-label", data.label);
  const buttons = data.pictures.map((picture, i) => {
    const button = document.createElement("button"), image = document.createElement("img");
    Object.assign(image, { src: picture.source, width: data.width, height: data.height, alt: "" });
    Object.assign(button, { type: "button", title: picture.title });
    button.style.width = `${data.width}px`;
    button.append(image, ...picture.lines.map(([text, kind]) => {
      const line = document.createElement("span");
      line.textContent = text; // never as HTML
      line.className = kind;
      return line;
    }));
    button.onclick = () => {
      buttons.forEach((other, j) => other.setAttribute("aria-pressed", i === j));
      setStateValue("chosen", i);
    };
    button.setAttribute("aria-pressed", i === data.chosen);
    return button;
  });
  gallery.replaceChildren(...buttons);
  if (data.fresh && window.innerWidth <= NARROW) gallery.scrollIntoView({ behavior: "smooth", block: "center" });
}
