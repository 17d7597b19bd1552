// Loaded into every stand-in before its own code: whatever it listens on, it listens on 127.0.0.1.
// Some of these servers have no option for the address, and would be open to the network while the tests run.
"use strict";

const net = require("node:net");

const listen = net.Server.prototype.listen;

net.Server.prototype.listen = function (...given) {
  const [first, second] = given;
  if (typeof first === "object" && first !== null && "port" in first) {
    given[0] = { ...first, host: "127.0.0.1" };
  } else if (typeof first !== "object" && !Number.isNaN(Number(first))) {
    // (port, [host], [backlog], [callback])
    given.splice(1, typeof second === "string" || second === undefined || second === null ? 1 : 0, "127.0.0.1");
  }
  return listen.apply(this, given);
};
