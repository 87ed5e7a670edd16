// Which view is shown, and the news of the server.
import { drop, get, send } from "./api.js";
import { attempt, button, duration, el, plural, say, unsay } from "./dom.js";
import { showGallery } from "./gallery.js";
import { showSet } from "./set.js";
import { showSets } from "./sets.js";

const main = document.getElementById("main");
const state = { overview: null, controls: null, leave: null };

export async function refresh() {
  state.overview = await get("/api/overview");
  head();
}

function head() {
  const { source, output, model } = state.overview;
  document.getElementById("folder").textContent = `${source || "dropped photos"} → ${output}`;
  const score = model.mef_ssim === null ? "" : `, MEF-SSIM ${model.mef_ssim.toFixed(4)}`;
  document.getElementById("model").textContent = `model ${model.name}${score}${model.problem ? ` (${model.problem})` : ""}`;
  showWork(state.overview.work);
}

const atWork = (work) => work.waiting + work.making.length > 0;

function showWork(work) {
  const place = document.getElementById("work");
  const total = work.waiting + work.making.length + work.ended;
  const busy = atWork(work);
  place.hidden = !total;
  const failed = work.failed ? `, ${work.failed} refused` : "";
  const now = work.paused && work.waiting ? "paused" : busy ? duration(work.left_s) : "";
  place.replaceChildren(
    el("progress", { max: Math.max(total, 1), value: work.ended, "aria-label": "pictures made" }),
    el("span", {}, `${work.ended} of ${plural(total, "picture")}${failed} ${now}`),
    ...(busy ? [
      work.paused ? button("Go on", () => attempt(() => send("/api/batch/resume")))
        : button("Pause", () => attempt(() => send("/api/batch/pause"))),
      button("Stop", () => attempt(() => send("/api/batch", undefined, "DELETE"))),
    ] : []),
    ...(work.refused ? [el("strong", { className: "bad" }, work.refused)] : []),
  );
}

async function route() {
  const [, view, id] = location.hash.split("/");
  state.leave?.();
  state.leave = null;
  for (const link of document.querySelectorAll("nav a")) {
    const here = link.dataset.view === (view === "gallery" ? "gallery" : "sets");
    if (here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  await attempt(async () => {
    await refresh();
    state.controls ??= await get("/api/controls");
    const context = { ...state, main, refresh, again: route };
    if (view === "set") state.leave = await showSet(context, decodeURIComponent(id));
    else if (view === "gallery") state.leave = showGallery(context);
    else state.leave = showSets(context);
  });
}

// Events tell when something changed; what is shown follows without losing what somebody types.
function listen() {
  let before = "";
  new EventSource("/api/events").onmessage = async ({ data }) => {
    const news = JSON.parse(data);
    if (!state.overview) return;
    const scanned = state.overview.scanning && !news.scanning;
    const ended = atWork(state.overview.work) && !atWork(news.work);
    const made = JSON.stringify([news.work.making, news.work.ended, news.work.failed]);
    state.overview.work = news.work;
    state.overview.model = news.model;
    head();
    if (news.scanning) say(`Looking through the folder: ${plural(news.looked_at, "photo")} so far`);
    if (scanned || ended) unsay();
    if (scanned || (made !== before && before)) {
      await attempt(refresh);
      if (location.hash.startsWith("#/set/")) state.news?.();
      document.dispatchEvent(new CustomEvent("news", { detail: state.overview }));
    }
    before = made;
  };
}

async function receive(files) {
  const folder = `dropped-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}`;
  let sent = 0;
  for (const file of files) {
    say(`${file.name}: ${++sent} of ${files.length}`);
    await drop(folder, file);
  }
  const { sets } = await send(`/api/dropped/${folder}`);
  say(`${plural(sets.length, "set")} found among ${plural(files.length, "photo")}`);
  location.hash = sets.length === 1 ? `#/set/${encodeURIComponent(sets[0])}` : "#/";
  await route();
}

document.getElementById("files").addEventListener("change", ({ target }) => attempt(() => receive([...target.files])));
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  const files = [...event.dataTransfer.files];
  if (files.length) attempt(() => receive(files));
});
window.addEventListener("hashchange", route);
await route();
listen();
