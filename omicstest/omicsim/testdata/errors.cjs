// Sends one Start and then six Gets to the service at the URL given, and prints the type and the status of each error.

const omics = require("@aws-sdk/client-omics");

const sequenceStoreId = "1234567890";
const client = new omics.OmicsClient({
  endpoint: process.argv[2],
  region: "us-east-1",
  credentials: { accessKeyId: "test", secretAccessKey: "test" },
  disableHostPrefix: true,
  maxAttempts: 1,
});

async function main() {
  const commands = [
    new omics.StartReadSetImportJobCommand({
      sequenceStoreId,
      roleArn: "arn:aws:iam::123456789012:role/Import",
      sources: [
        { sourceFiles: { source1: "s3://lab/a.bam" }, sourceFileType: "UBAM", subjectId: "s", sampleId: "a" },
      ],
    }),
  ];
  for (let i = 0; i < 6; i++) {
    commands.push(new omics.GetReadSetImportJobCommand({ sequenceStoreId, id: "1000000000" }));
  }
  const errors = [];
  for (const command of commands) {
    try {
      await client.send(command);
      errors.push(null);
    } catch (e) {
      errors.push([omics[e.name] && e instanceof omics[e.name] ? e.name : "untyped " + e.name, e.$metadata.httpStatusCode]);
    }
  }
  console.log(JSON.stringify(errors));
}

main();
