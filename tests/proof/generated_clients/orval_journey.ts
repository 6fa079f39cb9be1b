// List applications, make one, declare what it uses and read its stack, by orval's fetch client.
import { variable } from "./environment";
import {
  applicationsCreate,
  applicationsList,
  applicationsStackList,
} from "./generated/orval/applications/applications";
import { dependenciesCreate } from "./generated/orval/dependencies/dependencies";

async function main(): Promise<void> {
  const options = {
    headers: {
      "Authorization": `Bearer ${variable("REGISTRY_TOKEN")}`,
      "Content-Type": "application/json",
    },
  };
  const listed = await applicationsList({ criticality: ["critical"] }, options);
  const made = await applicationsCreate({ name: variable("APPLICATION"), team: variable("TEAM") }, options);
  if (listed.status !== 200 || made.status !== 201 || made.data.slug === undefined) {
    throw new Error(JSON.stringify([listed.data, made.data]));
  }
  const slug = made.data.slug;
  const use = { application: slug, offering: Number(variable("OFFERING")) };
  const declared = await dependenciesCreate(use, options);
  const stack = await applicationsStackList(slug, undefined, options);
  if (declared.status !== 201 || stack.status !== 200) {
    throw new Error(JSON.stringify([declared.data, stack.data]));
  }
  // the same rows could be asked for as CSV or as a workbook
  if (typeof listed.data === "string" || listed.data instanceof Blob || !Array.isArray(stack.data)) {
    throw new Error("The rows are not JSON.");
  }
  console.log(
    JSON.stringify({
      listed: listed.data.results.map((row) => row.slug),
      made: slug,
      stack: stack.data.map((row) => row.api_id),
    }),
  );
}

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
