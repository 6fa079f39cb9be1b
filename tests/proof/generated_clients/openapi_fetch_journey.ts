// List applications, make one, declare what it uses and read its stack, by openapi-fetch over openapi-typescript.
import createClient from "openapi-fetch";

import { variable } from "./environment";
import type { paths } from "./generated/openapi_fetch";

async function main(): Promise<void> {
  const client = createClient<paths>({
    baseUrl: variable("REGISTRY"),
    headers: { Authorization: `Bearer ${variable("REGISTRY_TOKEN")}` },
  });
  const listed = await client.GET("/api/v1/applications/", {
    params: { query: { criticality: ["critical"] } },
  });
  const made = await client.POST("/api/v1/applications/", {
    body: { name: variable("APPLICATION"), team: variable("TEAM") },
  });
  const slug = made.data?.slug;
  if (listed.data === undefined || slug === undefined) {
    throw new Error(listed.error?.detail ?? made.error?.detail);
  }
  const declared = await client.POST("/api/v1/dependencies/", {
    body: { application: slug, offering: Number(variable("OFFERING")) },
  });
  const stack = await client.GET("/api/v1/applications/{slug}/stack/", { params: { path: { slug } } });
  if (declared.data === undefined || stack.data === undefined) {
    throw new Error(declared.error?.detail ?? stack.error?.detail);
  }
  // the same rows could be asked for as CSV or as a workbook
  if (typeof listed.data === "string" || typeof stack.data === "string") {
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
