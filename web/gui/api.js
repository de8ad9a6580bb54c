// The API over fetch. What goes wrong is thrown as a Problem, whose text is for people.

const ROOT = "/api/v1";

export class Problem extends Error {
  constructor(status, body) {
    super(body.detail || body.title || "The server answered " + status + ".");
    this.status = status; // 0: no answer at all
    this.code = body.code;
    this.field = body.field;
    this.column = body.column; // of a query that does not parse, from 1
  }
}

async function call(method, path, body, signal) {
  const headers = { accept: "application/json" };
  if (method !== "GET") headers["clm-request"] = "1"; // no other site can set it
  if (body !== undefined) headers["content-type"] = "application/json";
  let response;
  try {
    response = await fetch(ROOT + path, {
      method, headers, signal, cache: "no-store", body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, { code: "network", detail: "The server does not answer." });
  }
  return response;
}

async function read(response) {
  if (response.ok) return response.status === 204 ? null : response.json();
  let body = {};
  try {
    body = await response.json();
  } catch {
    // Not from our API: the status alone has to do.
  }
  throw new Problem(response.status, body);
}

const query = (parameters) => {
  const text = new URLSearchParams(
    Object.entries(parameters || {}).filter(([, value]) => value !== null && value !== undefined && value !== "")).toString();
  return text ? "?" + text : "";
};

export const get = async (path, parameters, signal) => read(await call("GET", path + query(parameters), undefined, signal));
export const send = async (method, path, body) => read(await call(method, path, body));

export async function text(path, signal) {
  const response = await call("GET", path, undefined, signal);
  return response.ok ? response.text() : read(response);
}
