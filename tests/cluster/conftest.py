"""A Ray cluster, and an S3 server that checks signatures and rights, each started once for all tests that use it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest


@dataclass(frozen=True)
class Buckets:
    """An S3 server: `photos` and `scores` are open to the credentials in the environment, `closed` is not.

    s3: a client that may do everything
    """

    s3: Any
    secret: str

    def upload(self, folder: Path, prefix: str) -> None:
        for path in sorted(folder.iterdir()):
            self.s3.put_object(Bucket="photos", Key=f"{prefix}/{path.name}", Body=path.read_bytes())

    def keys(self, prefix: str) -> list[str]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket="scores", Prefix=prefix)
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def objects(self, prefix: str) -> dict[str, bytes]:
        return {key: self.s3.get_object(Bucket="scores", Key=key)["Body"].read() for key in self.keys(prefix)}


@pytest.fixture(scope="session")
def buckets(tmp_path_factory) -> Iterator[Buckets]:
    """Credentials, address and region are in the environment, and nowhere else."""
    pytest.importorskip("s3fs", reason="needs s3fs")
    server = pytest.importorskip("moto.server", reason="needs moto and flask").ThreadedMotoServer(
        "127.0.0.1", 0, verbose=False
    )
    server.start()
    host, port = server.get_host_and_port()
    nowhere = str(tmp_path_factory.mktemp("aws") / "none")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": nowhere,
            "AWS_SHARED_CREDENTIALS_FILE": nowhere,
        }.items():
            patch.setenv(name, value)
        s3, key = _create(f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
        patch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
        yield Buckets(s3, key["SecretAccessKey"])
    server.stop()


def _create(address: str) -> tuple[Any, dict[str, str]]:
    """A client of the server's owner; and the key of a user with rights to two of three buckets."""
    import boto3
    import requests

    logging_off()
    root = boto3.Session("root", "of-the-server")
    s3, iam = root.client("s3"), root.client("iam")
    for name in ("photos", "scores", "closed"):
        s3.create_bucket(Bucket=name)
    # Also to a bucket that is not there
    rights = [f"arn:aws:s3:::{bucket}*" for bucket in ("photos", "scores", "none")]
    keys = []
    for name, resources in (("owner", "*"), ("rgnet", rights)):
        statement = {"Effect": "Allow", "Action": "s3:*", "Resource": resources}
        iam.create_user(UserName=name)
        iam.put_user_policy(
            UserName=name,
            PolicyName="buckets",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        )
        keys.append(iam.create_access_key(UserName=name)["AccessKey"])
    # From here on signatures and rights are checked
    requests.post(f"{address}/moto-api/reset-auth", data="0", timeout=10).raise_for_status()
    return boto3.client(
        "s3",
        aws_access_key_id=keys[0]["AccessKeyId"],
        aws_secret_access_key=keys[0]["SecretAccessKey"],
    ), keys[1]


def logging_off() -> None:
    """The server writes a line a request."""
    import logging

    logging.getLogger("werkzeug").setLevel(logging.ERROR)


@pytest.fixture(scope="session")
def ray_cluster(buckets) -> Iterator[Any]:
    """Ray with room for two workers, which find the decoders of `fleet` and the credentials of `buckets`."""
    ray = pytest.importorskip("ray", reason="rgnet cluster needs ray: pip install '.[cluster]'")
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
        node = {"num_cpus": 2, "object_store_memory": 128 * 2**20, "include_dashboard": False}
        cluster = Cluster(initialize_head=True, head_node_args=node)
        ray.init(cluster.address, log_to_driver=False, logging_level="ERROR")
        yield cluster
        ray.shutdown()
        cluster.shutdown()
