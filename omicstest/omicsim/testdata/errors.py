"""Sends one Start and then six Gets to the service at the URL given, and prints the type and the status of each error."""

import json
import sys

import boto3
import botocore.config

STORE = "1234567890"

omics = boto3.client(
    "omics",
    endpoint_url=sys.argv[1],
    region_name="us-east-1",
    aws_access_key_id="test",
    aws_secret_access_key="test",
    config=botocore.config.Config(inject_host_prefix=False, retries={"total_max_attempts": 1}),
)
start = dict(
    roleArn="arn:aws:iam::123456789012:role/Import",
    sources=[
        {"sourceFiles": {"source1": "s3://lab/a.bam"}, "sourceFileType": "UBAM", "subjectId": "s", "sampleId": "a"}
    ],
)
calls = [(omics.start_read_set_import_job, start)] + [(omics.get_read_set_import_job, {"id": "1000000000"})] * 6
errors = []
for call, arguments in calls:
    try:
        call(sequenceStoreId=STORE, **arguments)
        errors.append(None)
    except omics.exceptions.ClientError as e:
        errors.append([type(e).__name__, e.response["ResponseMetadata"]["HTTPStatusCode"]])
print(json.dumps(errors))
