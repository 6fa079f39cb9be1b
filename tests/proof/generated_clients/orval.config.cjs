// REGISTRY is the address of the server: orval writes it into the client
module.exports = {
  registry: {
    input: { target: "./schema.json" },
    output: {
      baseUrl: process.env.REGISTRY,
      client: "fetch",
      mode: "tags-split",
      schemas: "./generated/orval/models",
      target: "./generated/orval/client.ts",
    },
  },
};
