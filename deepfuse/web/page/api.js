// Calls of the server. A refusal becomes an Error with the server's own words.

async function answer(response) {
  if (response.ok) return response;
  let text = `the server answered ${response.status}`;
  try {
    const { detail } = await response.json();
    text = typeof detail === "string" ? detail : JSON.stringify(detail);
  } catch { /* no words came with it */ }
  throw new Error(text);
}

export async function get(path) {
  return (await answer(await fetch(path))).json();
}

export async function send(path, body, method = "POST") {
  const headers = body === undefined ? {} : { "content-type": "application/json" };
  const response = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  return (await answer(response)).json();
}

// A picture as an address for <img>, and the record that came with it.
export async function picture(path, signal) {
  const response = await answer(await fetch(path, { signal }));
  const record = response.headers.get("x-record");
  return { url: URL.createObjectURL(await response.blob()), record: record ? JSON.parse(record) : null };
}

export async function drop(folder, file) {
  const path = `/api/dropped/${encodeURIComponent(folder)}/${encodeURIComponent(file.name)}`;
  await answer(await fetch(path, { method: "PUT", body: file }));
}

export const setPath = (id) => `/api/sets/${encodeURIComponent(id)}`;
export const setLink = (id) => `#/set/${encodeURIComponent(id)}`;
