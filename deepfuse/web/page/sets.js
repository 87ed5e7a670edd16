// The sets that were found: why each is one, what was left out, and frames moved by hand.
import { send, setLink } from "./api.js";
import { attempt, button, choose, el, plural, say } from "./dom.js";

const WORDS = {
  new: "not made yet", waiting: "waiting", making: "being made", done: "made", failed: "refused",
  changed: "changed since it was made", kept: "kept",
};

export function showSets(context) {
  const selected = new Set();
  const tools = el("div", { className: "tools" });
  const list = el("div", { className: "sets" });
  let overview = context.overview;

  function frame(photo) {
    const toggle = el("button", {
      type: "button", className: "frame", "aria-pressed": "false", title: photo.name,
      onclick: () => {
        if (!selected.delete(photo.id)) selected.add(photo.id);
        toggle.setAttribute("aria-pressed", selected.has(photo.id));
        drawTools();
      },
    }, el("img", { src: `/api/photos/${photo.id}/thumbnail`, alt: "", loading: "lazy" }), el("span", {}, photo.name));
    return toggle;
  }

  function article(one) {
    return el("article", { className: `set ${one.status}` },
      el("h2", {}, el("a", { href: setLink(one.id) }, one.id)),
      el("p", { className: "status" }, `${WORDS[one.status]}${one.reason ? `: ${one.reason}` : ""}`),
      el("div", { className: "frames" }, ...one.frames.map(frame)),
      el("p", { className: "why" }, one.why),
      ...one.warnings.map((text) => el("p", { className: "bad" }, text)));
  }

  async function move(to) {
    const { set } = await send("/api/move", { photos: [...selected], to });
    selected.clear();
    await context.refresh();
    await context.again();
    say(set ? `moved to ${set}` : "left out");
  }

  function drawTools() {
    const some = selected.size > 0;
    const targets = [["", "…"], ...overview.sets.map((one) => [one.id, one.id])];
    tools.replaceChildren(
      button("Make all pictures", () => attempt(async () => {
        const { sets } = await send("/api/batch", {});
        say(sets ? `${plural(sets, "picture")} to be made` : "all pictures are there already");
      }), { className: "main" }),
      button("Look again", () => attempt(() => send("/api/scan"))),
      el("span", {}, some ? `${plural(selected.size, "frame")} chosen:` : "choose frames to move them"),
      button("New set of them", () => attempt(() => move(null)), { disabled: selected.size < 2 }),
      button("Leave out", () => attempt(() => move("")), { disabled: !some }),
      choose("Move to", targets, "", (to) => to && attempt(() => move(to)), { disabled: !some }),
    );
  }

  function draw() {
    const { sets, left_out: others, problem } = overview;
    const found = overview.scanning ? "Looking through the folder …" : `${plural(sets.length, "set")}`;
    const nothing = !sets.length && !overview.scanning ? el("p", {}, problem || "Drop photos here, or open a folder.") : null;
    list.replaceChildren(...sets.map(article));
    const out = el("details", {}, el("summary", {}, `${plural(others.length, "photo")} in no set`),
      ...others.map((one) => el("div", { className: "out" }, frame(one), el("p", { className: "why" }, one.why))));
    context.main.replaceChildren(el("h2", {}, found), tools, ...(nothing ? [nothing] : []), list,
      ...(others.length ? [out] : []));
    drawTools();
  }

  const news = ({ detail }) => {
    overview = detail;
    if (!selected.size) draw();
  };
  document.addEventListener("news", news);
  draw();
  return () => document.removeEventListener("news", news);
}
