// The pictures that were made, those that need care first.
import { send, setLink, setPath } from "./api.js";
import { attempt, button, choose, el, plural, say } from "./dom.js";

const ORDERS = {
  care: (a, b) => b.care - a.care || a.id.localeCompare(b.id),
  name: (a, b) => a.id.localeCompare(b.id),
};

export function showGallery(context) {
  let overview = context.overview;
  let order = "care";
  const grid = el("div", { className: "gallery" });
  const count = el("h2");

  function card(one) {
    const there = ["done", "kept"].includes(one.status);
    const source = there ? `${setPath(one.id)}/picture/thumbnail` : `/api/photos/${one.frames[0].id}/thumbnail`;
    const score = one.mef_ssim === null ? "" : ` · MEF-SSIM ${one.mef_ssim.toFixed(3)}`;
    return el("article", { className: `card ${one.status}` },
      el("a", { href: setLink(one.id) }, el("img", { src: source, alt: one.id, loading: "lazy" })),
      el("h3", {}, one.id),
      el("p", { className: "status" }, one.status === "failed" ? "refused" : `${one.picture || one.status}${score}`),
      el("ul", {}, ...one.flags.map((text) => el("li", {}, text))),
      el("div", { className: "tools" },
        el("a", { className: "button", href: setLink(one.id) }, "Open"),
        there ? el("a", { className: "button", href: `${setPath(one.id)}/picture`, download: "" }, "Download")
          : button("Make", () => attempt(async () => {
            await send(`${setPath(one.id)}/save`);
            say(`${one.id}: to be made`);
          }))));
  }

  function draw() {
    const seen = overview.sets.filter((one) => ["done", "kept", "failed", "changed"].includes(one.status));
    const failed = seen.filter((one) => one.status === "failed").length;
    count.textContent = `${plural(seen.length - failed, "picture")}, ${failed} refused, of ${plural(overview.sets.length, "set")}`;
    grid.replaceChildren(...seen.sort(ORDERS[order]).map(card));
  }

  const tools = el("div", { className: "tools" },
    button("Make all pictures", () => attempt(() => send("/api/batch", {})), { className: "main" }),
    el("a", { className: "button", href: "/api/pictures.zip", download: "" }, "Download all"),
    choose("Sort by", [["care", "what needs care first"], ["name", "name"]], order, (value) => { order = value; draw(); }));
  const news = ({ detail }) => { overview = detail; draw(); };
  document.addEventListener("news", news);
  context.main.replaceChildren(count, tools, grid);
  draw();
  return () => document.removeEventListener("news", news);
}
