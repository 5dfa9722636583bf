"""Imports N pairs of FASTQ files into the service at URL as somebody writes it with boto3 who knows the service: jobs of 100,
several at once, each looked at until it has ended. Prints the seconds of time and of CPU, and how many read sets there are."""

import json
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import boto3
import botocore.config

url, sources = sys.argv[1], int(sys.argv[2])
at_once = 16
omics = boto3.client(
    "omics",
    endpoint_url=url,
    region_name="us-east-1",
    aws_access_key_id="test",
    aws_secret_access_key="test",
    config=botocore.config.Config(inject_host_prefix=False, max_pool_connections=at_once),
)


def source(n):
    return {
        "sourceFiles": {
            "source1": f"s3://bucket/run/{n:07}_R1.fastq.gz",
            "source2": f"s3://bucket/run/{n:07}_R2.fastq.gz",
        },
        "sourceFileType": "FASTQ",
        "subjectId": "subject",
        "sampleId": str(n),
        "tags": {"project": "p"},
    }


def import_job(batch):
    job = omics.start_read_set_import_job(
        sequenceStoreId="1234567890",
        roleArn="arn:aws:iam::123456789012:role/import",
        clientToken=str(uuid.uuid4()),
        sources=batch,
    )
    while True:
        out = omics.get_read_set_import_job(sequenceStoreId="1234567890", id=job["id"])
        if out["status"] in ("COMPLETED", "COMPLETED_WITH_FAILURES", "FAILED", "CANCELLED"):
            return {s["sourceFiles"]["source1"]: s["readSetId"] for s in out["sources"]}
        time.sleep(10)


everything = [source(n) for n in range(sources)]
began, used = time.perf_counter(), time.process_time()
read_sets = {}
with ThreadPoolExecutor(at_once) as pool:
    for done in pool.map(import_job, [everything[i : i + 100] for i in range(0, sources, 100)]):
        read_sets.update(done)
print(
    json.dumps(
        {
            "seconds": time.perf_counter() - began,
            "cpuSeconds": time.process_time() - used,
            "readSets": len(read_sets),
        }
    )
)
