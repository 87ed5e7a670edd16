// One set: its picture beside any exposure or another look, all controls, 1:1, what moved, saved.
import { get, picture, send, setLink, setPath } from "./api.js";
import { attempt, button, choose, el, say } from "./dom.js";

const LABELS = {
  strength: "Strength", exposure_ev: "Exposure (stops)", saturation: "Saturation", highlights: "Highlights",
  shadows: "Shadows", black_point: "Black point", white_point: "White point", contrast: "Contrast",
  temperature: "Temperature (mireds)",
};
const WAIT_MS = 120;

export async function showSet(context, id) {
  const { controls, main } = context;
  let one = await get(setPath(id));
  let choice = { ...one.choice };
  const shown = { left: `frame:${Math.floor(one.frames.length / 2)}`, right: "this", whole: false, moved: false };
  const urls = {};
  let timer = null;
  let abort = new AbortController();

  const images = {
    right: el("img", { alt: "the fused picture", className: "under" }),
    left: el("img", { alt: "what it is compared with", className: "over" }),
  };
  const overlay = el("div", { className: "moved", hidden: true });
  const split = el("input", { type: "range", min: 0, max: 100, value: 50, step: 0.5, "aria-label": "where the two pictures meet" });
  const frame = el("div", { className: "pictures" }, images.right, images.left, overlay, el("div", { className: "edge" }));
  const stage = el("div", { className: "stage" }, frame);
  const notes = el("ul", { className: "notes" });
  const busy = el("p", { className: "busy", role: "status" });

  const place = () => frame.style.setProperty("--split", `${split.value}%`);
  split.addEventListener("input", place);
  frame.addEventListener("pointermove", (event) => {
    if (event.buttons !== 1 && event.pointerType === "mouse") return;
    const box = frame.getBoundingClientRect();
    split.value = (100 * (event.clientX - box.left)) / box.width;
    place();
  });
  frame.addEventListener("dragstart", (event) => event.preventDefault());

  function query(extra = {}) {
    const values = { ...choice, ...extra };
    if (shown.whole) values.whole = true;
    const text = new URLSearchParams(values).toString();
    return text ? `?${text}` : "";
  }

  function address(what) {
    const [kind, value] = what.split(":");
    if (kind === "frame") return `${setPath(id)}/frames/${value}${query()}`;
    if (kind !== "look") return `${setPath(id)}/look${query()}`;
    const others = Object.entries(choice).filter(([name]) => name !== "look" && !(name in controls.ranges));
    return `${setPath(id)}/look?${new URLSearchParams({ ...Object.fromEntries(others), look: value, ...(shown.whole ? { whole: true } : {}) })}`;
  }

  async function load(side, signal) {
    const found = await picture(address(shown[side]), signal);
    URL.revokeObjectURL(urls[side]);
    urls[side] = found.url;
    images[side].src = found.url;
    if (shown[side] === "this" && found.record) tell(found.record);
  }

  function tell(record) {
    const measures = record.measures ?? {};
    const score = measures.mef_ssim === undefined ? [] : [`MEF-SSIM ${measures.mef_ssim.toFixed(4)} of this preview`];
    const moved = record.deghosting?.share > 0.001 ? [`${(100 * record.deghosting.share).toFixed(1)}% moved, as in ${record.deghosting.reference}`] : [];
    const kept = record.alignment && record.alignment.kept_area < 0.995 ? [`${Math.round(100 * record.alignment.kept_area)}% is left after the crop`] : [];
    notes.replaceChildren(...[...score, ...moved, ...kept, ...record.warnings].map((text) => el("li", {}, text)));
  }

  // The latest wish counts: an answer that is no longer wanted is not waited for.
  function draw() {
    clearTimeout(timer);
    timer = setTimeout(() => attempt(async () => {
      abort.abort();
      abort = new AbortController();
      const { signal } = abort;
      busy.textContent = "the preview is being made …";
      try {
        await load("right", signal);
        await load("left", signal);
        if (shown.moved) {
          const mask = await picture(`${setPath(id)}/moved${query()}`, signal);
          overlay.style.maskImage = `url(${mask.url})`;
        }
        overlay.hidden = !shown.moved;
      } finally {
        if (!signal.aborted) busy.textContent = "";
      }
    }), WAIT_MS);
  }

  const base = () => controls.looks[choice.look ?? controls.default].values;
  const keep = () => attempt(() => send("/api/choices", { sets: [id], choice }));

  function slider(name) {
    const { least, most } = controls.ranges[name];
    const value = choice[name] ?? base()[name];
    const output = el("output", {}, Number(value).toFixed(2));
    const input = el("input", {
      type: "range", min: least, max: most, step: (most - least) / 200, value,
      oninput: () => {
        choice[name] = Number(input.value);
        output.textContent = choice[name].toFixed(2);
        draw();
      },
      onchange: keep,
      ondblclick: () => {
        delete choice[name];
        drawPanel();
        draw();
        keep();
      },
    });
    return el("label", { className: "control" }, el("span", {}, LABELS[name]), input, output);
  }

  function change(name, value, rest) {
    if (value === rest) delete choice[name];
    else choice[name] = value;
    draw();
    keep();
  }

  const panel = el("form", { className: "panel", onsubmit: (event) => event.preventDefault() });

  function drawPanel() {
    const looks = Object.entries(controls.looks).map(([name, { description }]) => [name, `${name}: ${description}`]);
    const references = [["auto", "chosen by itself"], ...one.frames.map((photo, index) => [String(index + 1), photo.name])];
    panel.replaceChildren(
      choose("Look", looks, choice.look ?? controls.default, (look) => {
        for (const name of Object.keys(controls.ranges)) delete choice[name];
        change("look", look, controls.default);
        drawPanel();
      }),
      ...Object.keys(controls.ranges).map(slider),
      choose("What moved is shown as in", references, choice.reference ?? "auto", (value) => change("reference", value, "auto")),
      choose("Crop", [["common", "to what all frames show"], ["none", "none"], ["union", "hold all frames"]], choice.crop ?? "common",
        (value) => change("crop", value, "common")),
      choose("Frames that cannot be aligned", [["refuse", "refuse the set"], ["drop", "leave them out"], ["as-is", "take them as they are"]],
        choice.if_unaligned ?? "refuse", (value) => change("if_unaligned", value, "refuse")),
      choose("Quality", [["fast", "fast"], ["best", "best"]], choice.quality ?? "fast", (value) => change("quality", value, "fast")),
      el("label", {}, el("input", {
        type: "checkbox", checked: choice.deghost !== false, onchange: ({ target }) => change("deghost", target.checked, true),
      }), " show one moment of what moved"),
      el("div", { className: "tools" },
        button("Back to the look", () => { choice = choice.look ? { look: choice.look } : {}; drawPanel(); draw(); keep(); }),
        button("Same for all sets", () => attempt(async () => {
          const { reference, ...others } = choice;
          await send("/api/choices", { sets: context.overview.sets.map((set) => set.id), choice: others });
          say("all sets are made like this one");
        }))),
    );
  }

  const saving = el("div", { className: "tools saving" });

  async function save(force) {
    await keep();
    await send(`${setPath(id)}/save${force ? "?force=true" : ""}`);
    one = { ...one, status: "waiting" };
    drawSaving();
  }

  function drawSaving() {
    const exists = ["failed", "kept"].includes(one.status) && one.reason.includes("--force");
    const words = { waiting: "waiting", making: "being made …", done: `saved as ${one.picture}`, failed: one.reason, kept: one.reason }[one.status];
    saving.replaceChildren(
      button("Save", () => attempt(() => save(false)), { className: "main", disabled: ["waiting", "making"].includes(one.status) }),
      ...(exists ? [button("Overwrite it", () => attempt(() => save(true)))] : []),
      ...(["done", "kept"].includes(one.status) ? [el("a", { className: "button", href: `${setPath(id)}/picture`, download: "" }, "Download")] : []),
      el("span", { className: one.status === "failed" ? "bad" : "" }, words ?? ""),
    );
  }

  const sides = [
    ["this", "this picture"],
    ...one.frames.map((photo, index) => [`frame:${index}`, `frame ${photo.name}`]),
    ...Object.keys(controls.looks).map((name) => [`look:${name}`, `look ${name}`]),
  ];
  const ids = context.overview.sets.map((set) => set.id);
  const [before, after] = [ids[ids.indexOf(id) - 1], ids[ids.indexOf(id) + 1]];
  const tools = el("div", { className: "tools" },
    choose("Left", sides, shown.left, (value) => { shown.left = value; draw(); }),
    choose("Right", sides, shown.right, (value) => { shown.right = value; draw(); }),
    el("label", {}, el("input", { type: "checkbox", onchange: ({ target }) => { shown.moved = target.checked; draw(); } }), " what moved"),
    el("label", {}, el("input", {
      type: "checkbox",
      onchange: ({ target }) => { shown.whole = target.checked; stage.classList.toggle("whole", shown.whole); draw(); },
    }), " 1:1"),
    busy);

  const news = async () => {
    one = await get(setPath(id));
    drawSaving();
  };
  document.addEventListener("news", news);
  main.replaceChildren(
    el("div", { className: "title" },
      before ? el("a", { className: "button", href: setLink(before), "aria-label": "previous set" }, "←") : null,
      el("h2", {}, id),
      after ? el("a", { className: "button", href: setLink(after), "aria-label": "next set" }, "→") : null),
    el("div", { className: "look" },
      el("section", { "aria-label": "picture" }, tools, stage, split, notes),
      el("section", { "aria-label": "how it is made" }, saving, panel)),
  );
  drawPanel();
  drawSaving();
  place();
  draw();
  return () => {
    clearTimeout(timer);
    abort.abort();
    document.removeEventListener("news", news);
    Object.values(urls).forEach((url) => URL.revokeObjectURL(url));
  };
}
