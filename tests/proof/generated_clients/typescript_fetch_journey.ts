// List applications, make one, declare what it uses and read its stack, by typescript-fetch of openapi-generator.
import { variable } from "./environment";
import {
  ApplicationsApi,
  ApplicationsListCriticalityEnum,
  Configuration,
  DependenciesApi,
} from "./generated/typescript_fetch";

async function main(): Promise<void> {
  const to = new Configuration({
    basePath: variable("REGISTRY"),
    accessToken: variable("REGISTRY_TOKEN"),
  });
  const applications = new ApplicationsApi(to);
  const listed = await applications.applicationsList({
    criticality: [ApplicationsListCriticalityEnum.Critical],
  });
  const { slug } = await applications.applicationsCreate({
    applicationRequest: { name: variable("APPLICATION"), team: variable("TEAM") },
  });
  if (slug === undefined) {
    throw new Error("The application has no slug.");
  }
  await new DependenciesApi(to).dependenciesCreate({
    dependencyRequest: { application: slug, offering: Number(variable("OFFERING")) },
  });
  const stack = await applications.applicationsStackList({ slug });
  console.log(
    JSON.stringify({
      listed: listed.results.map((row) => row.slug),
      made: slug,
      stack: stack.map((row) => row.apiId),
    }),
  );
}

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
