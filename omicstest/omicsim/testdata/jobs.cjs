// Uses the service at the URL given as the AWS SDK for JavaScript does, and prints what it saw as JSON.

const omics = require("@aws-sdk/client-omics");

const sequenceStoreId = "1234567890";
const roleArn = "arn:aws:iam::123456789012:role/Import";

const client = new omics.OmicsClient({
  endpoint: process.argv[2],
  region: "us-east-1",
  credentials: { accessKeyId: "test", secretAccessKey: "test" },
  disableHostPrefix: true,
  maxAttempts: 1,
});

const source = (n) => ({
  sourceFiles: { source1: `s3://lab/${n}_R1.fastq.gz`, source2: `s3://lab/${n}_R2.fastq.gz` },
  sourceFileType: "FASTQ",
  subjectId: "subject",
  sampleId: `sample ${n}`,
});

const start = (sources, clientToken) =>
  client.send(new omics.StartReadSetImportJobCommand({ sequenceStoreId, roleArn, sources, clientToken }));

async function main() {
  const sources = [source(0), source(1)];
  const started = await start(sources, "a token");
  const again = await start(sources, "a token");
  const job = { sequenceStoreId, id: started.id };
  const waited = await omics.waitUntilReadSetImportJobCompleted(
    { client, maxWaitTime: 30, minDelay: 1, maxDelay: 1 },
    job,
  );
  const ended = await client.send(new omics.GetReadSetImportJobCommand(job));
  await start([source(10)]);
  const pages = [];
  for await (const page of omics.paginateListReadSetImportJobs({ client, pageSize: 1 }, { sequenceStoreId })) {
    pages.push(page.importJobs.length);
  }
  const completed = await client.send(
    new omics.ListReadSetImportJobsCommand({
      sequenceStoreId,
      filter: { status: "COMPLETED", createdAfter: new Date("2001-02-03T04:05:06Z") },
    }),
  );
  await start([source(11)]);
  let noSlot;
  try {
    await start([source(12)]);
  } catch (e) {
    noSlot = [e.name, e instanceof omics.ServiceQuotaExceededException, e.$metadata.httpStatusCode];
  }
  console.log(
    JSON.stringify({
      "same job": again.id === started.id,
      waited: waited.state,
      status: ended.status,
      sources: ended.sources.map((s) => s.status),
      pages,
      completed: completed.importJobs.length,
      "no slot": noSlot,
    }),
  );
}

main();
