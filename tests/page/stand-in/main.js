"use strict";
const api = "http://localhost/api/";
const messages = [];
const stream = new WebSocket("ws://localhost/api/stream/status");
stream.onmessage = (event) => messages.push(event.data);

document.getElementById("run").onclick = async () => {
  const body = JSON.stringify({ type: "sine", duration: 2 });
  const headers = { "content-type": "application/json" };
  const answer = await fetch(api + "wave/run", { method: "POST", headers, body });
  document.getElementById("state").textContent = answer.status;
};
