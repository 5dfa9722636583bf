// Lists read sets from the service at the URL given as the AWS SDK for JavaScript does, and prints what it saw as JSON.
// The standard input is a JSON object of filters, by name.

const {
  OmicsClient,
  GetReadSetMetadataCommand,
  GetSequenceStoreCommand,
  ListReadSetsCommand,
  paginateListReadSets,
} = require("@aws-sdk/client-omics");
const { isDeepStrictEqual } = require("node:util");

const sequenceStoreId = "1234567890";

const client = new OmicsClient({
  endpoint: process.argv[2],
  region: "us-east-1",
  credentials: { accessKeyId: "test", secretAccessKey: "test" },
  disableHostPrefix: true,
});

async function pages(pageSize, filter) {
  const all = [];
  for await (const page of paginateListReadSets({ client, pageSize }, { sequenceStoreId, filter })) {
    all.push(page.readSets);
  }
  return all;
}

const samples = (pages) => pages.flat().map((s) => s.sampleId ?? null);

async function code(command) {
  try {
    await client.send(command);
  } catch (e) {
    return [e.name, e.$metadata.httpStatusCode];
  }
  return null;
}

async function main() {
  const filters = {};
  for (const [name, filter] of Object.entries(JSON.parse(require("node:fs").readFileSync(0, "utf8")))) {
    for (const field of ["createdAfter", "createdBefore"]) {
      if (filter[field]) filter[field] = new Date(filter[field]);
    }
    filters[name] = samples(await pages(1, filter));
  }
  const every = await pages(3);
  const listed = every.flat().find((s) => s.sampleId === "pair");
  const got = await client.send(new GetReadSetMetadataCommand({ sequenceStoreId, id: listed.id }));
  const store = await client.send(new GetSequenceStoreCommand({ id: sequenceStoreId }));
  console.log(
    JSON.stringify({
      pages: every.map((p) => p.length),
      samples: samples(every),
      filters,
      metadata: {
        id: got.id,
        arn: got.arn,
        job: got.creationJobId,
        type: got.fileType,
        "created by": got.creationType,
        etag: got.etag,
        sequence: got.sequenceInformation,
        parts: got.files.source2.totalParts > 0,
        created: got.creationTime.getTime(),
        "as listed": Object.entries(listed).every(([k, v]) => isDeepStrictEqual(got[k], v)),
      },
      "strange token": await code(new ListReadSetsCommand({ sequenceStoreId, nextToken: "garbage" })),
      "unknown id": await code(new GetReadSetMetadataCommand({ sequenceStoreId, id: "1000000000" })),
      store: store.eTagAlgorithmFamily,
    }),
  );
}

main();
