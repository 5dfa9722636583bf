"""Uses the service at the URL given as boto3 does, and prints what it saw as JSON."""

import json
import sys
import time

import boto3
import botocore.config
import botocore.exceptions

STORE = "1234567890"
ROLE = "arn:aws:iam::123456789012:role/Import"

omics = boto3.client(
    "omics",
    endpoint_url=sys.argv[1],
    region_name="us-east-1",
    aws_access_key_id="test",
    aws_secret_access_key="test",
    config=botocore.config.Config(inject_host_prefix=False),
)


def source(n):
    return {
        "sourceFiles": {"source1": f"s3://lab/{n}_R1.fastq.gz", "source2": f"s3://lab/{n}_R2.fastq.gz"},
        "sourceFileType": "FASTQ",
        "subjectId": "subject",
        "sampleId": f"sample {n}",
        "tags": {"lane": str(n)},
    }


def code(call, **kwargs):
    try:
        call(**kwargs)
    except botocore.exceptions.ClientError as e:
        return [type(e).__name__, e.response["ResponseMetadata"]["HTTPStatusCode"]]
    return None


request = dict(sequenceStoreId=STORE, roleArn=ROLE, clientToken="a token", sources=[source(n) for n in range(3)])
started = omics.start_read_set_import_job(**request)
again = omics.start_read_set_import_job(**request)
job = started["id"]
omics.get_waiter("read_set_import_job_completed").wait(
    sequenceStoreId=STORE, id=job, WaiterConfig={"Delay": 0.5, "MaxAttempts": 30}
)
ended = omics.get_read_set_import_job(sequenceStoreId=STORE, id=job)
for n in range(2):
    omics.start_read_set_import_job(sequenceStoreId=STORE, roleArn=ROLE, sources=[source(10 + n)])
pages = omics.get_paginator("list_read_set_import_jobs").paginate(
    sequenceStoreId=STORE,
    filter={"createdAfter": started["creationTime"]},
    PaginationConfig={"PageSize": 1},
)
print(
    json.dumps(
        {
            "same job": again["id"] == job,
            "status": ended["status"],
            "seconds": round((ended["completionTime"] - ended["creationTime"]).total_seconds(), 1),
            "sources": sorted(
                [s["sampleId"], s["status"], len(s["readSetId"]), s["tags"]["aws:omics:sampleId"]]
                for s in ended["sources"]
            ),
            "listed": sum(len(p["importJobs"]) for p in pages),
            "no store": code(omics.list_read_set_import_jobs, sequenceStoreId="5555555555"),
            "bad URI": code(
                omics.start_read_set_import_job,
                sequenceStoreId=STORE,
                roleArn=ROLE,
                sources=[{**source(1), "sourceFiles": {"source1": "s3://Lab/x"}}],
            ),
            "no slot": code(omics.start_read_set_import_job, sequenceStoreId=STORE, roleArn=ROLE, sources=[source(20)]),
        }
    )
)
