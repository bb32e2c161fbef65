// Reads a JSON list of envelopes and has the CloudEvents SDK take each as an HTTP message.
const { createRequire } = require("node:module");
const { HTTP, CloudEvent } = createRequire(process.cwd() + "/package.json")("cloudevents");

const texts = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
if (texts.length === 0) throw new Error("there are no events");
for (const text of texts) {
  const event = HTTP.toEvent({ headers: { "content-type": "application/cloudevents+json" }, body: text });
  if (!(event instanceof CloudEvent) || !event.validate()) throw new Error("not valid: " + text);
  for (const name of ["tenantid", "sequence", "datastate", "traceparent"])
    if (typeof event[name] !== "string") throw new Error(`${name} is missing: ` + text);
  if (event.datastate === "thin" && event.data.id !== event.subject) throw new Error("subject is not the record: " + text);
  if (event.dataschema !== "urn:salesd:sales.v1.Lead") throw new Error("dataschema: " + text);
}
