// Paints a mask over pixel art. Sends back one character per pixel, row by row: "1" where the picture is inpainted.

const RADII = { small: 0, medium: 1, large: 2 }; // of the brush, in pixels of the picture

export default function ({ parentElement, data, setStateValue }) {
  const canvas = parentElement.querySelector("canvas");
  const { width, height, scale, picture, labels } = data;
  // Streamlit calls this again whenever data change; what was painted belongs to one picture.
  if (canvas.dataset.picture !== picture) {
    canvas.dataset.picture = picture;
    canvas.mask = data.mask ? [...data.mask].map((c) => c === "1") : new Array(width * height).fill(false);
    canvas.width = width * scale;
    canvas.height = height * scale;
    canvas.image = new Image();
    canvas.image.onload = draw;
    canvas.image.src = picture;
  }
  canvas.brush ??= "medium";
  canvas.erase ??= false;

  function draw() {
    const context = canvas.getContext("2d");
    context.imageSmoothingEnabled = false;
    context.drawImage(canvas.image, 0, 0, canvas.width, canvas.height);
    canvas.mask.forEach((painted, i) => {
      if (!painted) return;
      const x = (i % width) * scale, y = Math.floor(i / width) * scale;
      context.fillStyle = "rgba(255, 0, 200, 0.45)";
      context.fillRect(x, y, scale, scale);
      context.strokeStyle = "rgba(255, 255, 255, 0.35)";
      context.strokeRect(x + 0.5, y + 0.5, scale - 1, scale - 1);
    });
  }

  function at(event) {
    const box = canvas.getBoundingClientRect();
    return [
      Math.floor(((event.clientX - box.left) / box.width) * width),
      Math.floor(((event.clientY - box.top) / box.height) * height),
    ];
  }

  function dab(column, row) {
    const radius = RADII[canvas.brush];
    for (let y = row - radius; y <= row + radius; y++)
      for (let x = column - radius; x <= column + radius; x++)
        if (x >= 0 && x < width && y >= 0 && y < height) canvas.mask[y * width + x] = !canvas.erase;
  }

  // A quick hand moves several pixels between two events: what lies between them is painted too.
  function paint(event) {
    const [column, row] = at(event), [fromColumn, fromRow] = canvas.last ?? [column, row];
    const steps = Math.max(Math.abs(column - fromColumn), Math.abs(row - fromRow), 1);
    for (let i = 1; i <= steps; i++) {
      const share = i / steps;
      dab(Math.round(fromColumn + share * (column - fromColumn)), Math.round(fromRow + share * (row - fromRow)));
    }
    canvas.last = [column, row];
    draw();
  }

  const send = () => setStateValue("mask", canvas.mask.map(Number).join(""));
  canvas.onpointerdown = (event) => { canvas.setPointerCapture(event.pointerId); canvas.last = null; paint(event); };
  canvas.onpointermove = (event) => { if (event.buttons) paint(event); };
  canvas.onpointerup = send;

  const tools = {
    small: () => (canvas.brush = "small"), medium: () => (canvas.brush = "medium"),
    large: () => (canvas.brush = "large"), erase: () => (canvas.erase = !canvas.erase),
    clear: () => { canvas.mask.fill(false); draw(); send(); },
    invert: () => { canvas.mask = canvas.mask.map((painted) => !painted); draw(); send(); },
  };
  const mark = (name, button) =>
    button.setAttribute("aria-pressed", name === "erase" ? canvas.erase : name === canvas.brush);
  const buttons = Object.keys(tools).map((name) => [name, parentElement.querySelector(`[data-tool=${name}]`)]);
  for (const [name, button] of buttons) {
    button.textContent = labels[name];
    button.onclick = () => { tools[name](); buttons.forEach(([other, b]) => mark(other, b)); };
    mark(name, button);
  }
}
