"""Lists read sets from the service at the URL given as boto3 does, and prints what it saw as JSON.

The standard input is a JSON object of filters, by name.
"""

import json
import sys

import boto3
import botocore.config
import botocore.exceptions

STORE = "1234567890"

omics = boto3.client(
    "omics",
    endpoint_url=sys.argv[1],
    region_name="us-east-1",
    aws_access_key_id="test",
    aws_secret_access_key="test",
    config=botocore.config.Config(inject_host_prefix=False),
)


def pages(size, **kwargs):
    return list(
        omics.get_paginator("list_read_sets").paginate(
            sequenceStoreId=STORE, PaginationConfig={"PageSize": size}, **kwargs
        )
    )


def samples(pages):
    return [s.get("sampleId") for p in pages for s in p["readSets"]]


def code(call, **kwargs):
    try:
        call(sequenceStoreId=STORE, **kwargs)
    except botocore.exceptions.ClientError as e:
        return [e.response["Error"]["Code"], e.response["ResponseMetadata"]["HTTPStatusCode"]]
    return None


every = pages(3)
listed = next(s for p in every for s in p["readSets"] if s.get("sampleId") == "pair")
got = omics.get_read_set_metadata(sequenceStoreId=STORE, id=listed["id"])
print(
    json.dumps(
        {
            "pages": [len(p["readSets"]) for p in every],
            "samples": samples(every),
            "filters": {name: samples(pages(1, filter=f)) for name, f in json.load(sys.stdin).items()},
            "metadata": {
                "id": got["id"],
                "arn": got["arn"],
                "job": got["creationJobId"],
                "type": got["fileType"],
                "created by": got["creationType"],
                "etag": got["etag"],
                "sequence": got["sequenceInformation"],
                "parts": got["files"]["source2"]["totalParts"] > 0,
                "created": got["creationTime"].timestamp() * 1000,
                "as listed": all(got[k] == v for k, v in listed.items()),
            },
            "strange token": code(omics.list_read_sets, nextToken="garbage"),
            "unknown id": code(omics.get_read_set_metadata, id="1000000000"),
            "store": omics.get_sequence_store(id=STORE)["eTagAlgorithmFamily"],
        }
    )
)
