"""A decoder that does what a photo's name says: for pools of decoding processes, which find it by import."""

import os
import signal
import time
from pathlib import Path

from rgnet.imaging.jobs import DecodedPhoto, DecodeJob, run_job


def decode_by_name(job: DecodeJob) -> DecodedPhoto:
    path = Path(job.display_name)
    if path.stem == "crash" or job.source == b"crash":
        os.abort()
    if path.stem == "late":
        time.sleep(60)
    if path.stem == "once" and not (tried := path.with_suffix(".tried")).exists():
        tried.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return run_job(job)
