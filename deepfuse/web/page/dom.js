// Elements without a library. Text is always set as text: names of files are anybody's.

export function el(tag, options = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(options)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && name !== "list" && name !== "form") element[name] = value;
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export const button = (text, onclick, options = {}) => el("button", { type: "button", onclick, ...options }, text);

export function choose(label, values, value, onchange, options = {}) {
  const select = el("select", { ...options, onchange: () => onchange(select.value) },
    ...values.map(([key, text]) => el("option", { value: key }, text)));
  select.value = value;
  return el("label", {}, `${label} `, select);
}

export function say(text, bad = false) {
  const place = document.getElementById("said");
  place.textContent = text;
  place.classList.toggle("bad", bad);
}

// Takes back what was said of work that is done; what went wrong stays.
export function unsay() {
  if (!document.getElementById("said").classList.contains("bad")) say("");
}

// Runs what a person asked for; what goes wrong is said where it is seen and heard.
export async function attempt(work) {
  try {
    return await work();
  } catch (error) {
    if (error.name !== "AbortError") say(error.message, true);
    return undefined;
  }
}

export const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

export function duration(seconds) {
  if (seconds === null) return "";
  if (seconds < 90) return `about ${Math.max(1, Math.round(seconds))} s left`;
  return `about ${Math.round(seconds / 60)} min left`;
}
