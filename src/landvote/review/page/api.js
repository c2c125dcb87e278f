// What the page asks the server for. Nothing else is asked for anywhere.

export class Refused extends Error {
  constructor(status, told) {
    super(told.error || `the server answered ${status}`);
    this.status = status;
    this.state = told.state;
    this.scheme = told.scheme;
  }
}

async function answer(address, options) {
  let response;
  try {
    response = await fetch(address, options);
  } catch {
    throw new Refused(0, { error: "the server does not answer" });
  }
  if (!response.ok) {
    let told = {};
    try { told = await response.json(); } catch { /* an answer without words */ }
    throw new Refused(response.status, told);
  }
  return response;
}

export const getJson = async (address) => (await answer(address)).json();
export const getPicture = async (address) => (await answer(address)).blob();

export async function post(address, told) {
  const headers = { "Content-Type": "application/json" };
  return (await answer(address, { method: "POST", headers, body: JSON.stringify(told) })).json();
}
