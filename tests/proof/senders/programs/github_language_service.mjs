// node github_language_service.mjs FILE NAME: print what GitHub's language service says about a file
// that has this name in a repository, one line each.
import { readFileSync } from "node:fs";
import { register } from "node:module";

// the packages import JSON as bundlers allow it, and Node only with an attribute
const hooks = `export const load = (url, context, next) =>
  next(url, url.endsWith(".json") ? { ...context, importAttributes: { type: "json" } } : context);`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);

const { validate } = await import("@actions/languageservice");
const { TextDocument } = await import("vscode-languageserver-textdocument");
const [file, name] = process.argv.slice(2);
const text = readFileSync(file, "utf8");
for (const { range, message } of await validate(TextDocument.create(`file:///${name}`, "yaml", 1, text))) {
  console.log(`${name}:${range.start.line + 1}: ${message}`);
}
