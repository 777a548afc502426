"""The two kinds of place a landing zone can be in: a folder, and a bucket of a real S3 server in this process."""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import boto3
import moto
import pytest
from moto.server import ThreadedMotoServer

import ingest.load
import ingest.zone
from ingest.object_store import ObjectStore

KEY_ID = "AKIAEXAMPLE"
SECRET = "wJalrXUtnFEMI-a-secret-nobody-may-see"  # noqa: S105
TOKEN = "FwoGZXIvYXdzE-a-token-nobody-may-see"  # noqa: S105
ANSWER = Callable[[dict[str, Any], Any], Iterable[bytes]]
_number = count()


@dataclass
class Server:
    """A running S3 server and what it was asked. `answers` may stand in for the server, to break things."""

    url: str
    client: Any
    app: ANSWER
    requests: list[tuple[str, str]] = field(default_factory=list)
    answers: ANSWER | None = None

    def answer(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        is_list = "list-type" in environ.get("QUERY_STRING", "")
        self.requests.append(("LIST" if is_list else environ["REQUEST_METHOD"], environ["PATH_INFO"]))
        return (self.answers or self.app)(environ, start)

    def asked(self, kind: str) -> int:
        return sum(request == kind for request, _ in self.requests)


@pytest.fixture(scope="session")
def s3_process() -> Iterator[Server]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    running = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    url = f"http://{host}:{port}"
    client = boto3.client(
        "s3", endpoint_url=url, aws_access_key_id=KEY_ID, aws_secret_access_key=SECRET, region_name="us-east-1"
    )
    assert running._server is not None
    server = Server(url, client, running._server.app)
    running._server.app = server.answer
    yield server
    client.close()
    running.stop()


@pytest.fixture
def s3(s3_process: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """The S3 server, and credentials for it in the environment."""
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setattr(moto.settings, "INITIAL_NO_AUTH_ACTION_COUNT", float("inf"))
    yield s3_process
    s3_process.answers = None


@dataclass
class Cost:
    """What some work asked of a place: folders or pages listed, and files read."""

    lists: int = 0
    reads: int = 0


class Place(Protocol):
    """Somewhere to deliver to."""

    landing: Path | ObjectStore

    def put(self, path: str, content: bytes) -> None: ...

    def remove(self, path: str) -> None: ...

    def cost_of(self, work: Callable[[], Any]) -> Cost: ...


class Folder:
    """A landing zone in a folder."""

    def __init__(self, landing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.landing = landing
        self._monkeypatch = monkeypatch

    def put(self, path: str, content: bytes) -> None:
        (self.landing / path).parent.mkdir(parents=True, exist_ok=True)
        (self.landing / path).write_bytes(content)

    def remove(self, path: str) -> None:
        (self.landing / path).unlink()

    def cost_of(self, work: Callable[[], Any]) -> Cost:
        """Counts on the way: the real functions still do the work."""
        cost = Cost()
        scan, content_hash = ingest.zone._scan, ingest.load.content_hash

        def counted_scan(folder: Path) -> Any:
            cost.lists += 1
            return scan(folder)

        def counted_hash(file: Any) -> Any:
            cost.reads += 1
            return content_hash(file)

        with self._monkeypatch.context() as patch:
            patch.setattr(ingest.zone, "_scan", counted_scan)
            patch.setattr(ingest.load, "content_hash", counted_hash)
            work()
        return cost


class Bucket:
    """A landing zone in a bucket of its own."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.name = f"zone-{next(_number)}"
        server.client.create_bucket(Bucket=self.name)
        self.landing = ObjectStore.from_environment(f"s3://{self.name}/deep/prefix", {"TALLY_S3_ENDPOINT": server.url})

    def put(self, path: str, content: bytes) -> None:
        self.server.client.put_object(Bucket=self.name, Key=f"deep/prefix/{path}", Body=content)

    def remove(self, path: str) -> None:
        self.server.client.delete_object(Bucket=self.name, Key=f"deep/prefix/{path}")

    def cost_of(self, work: Callable[[], Any]) -> Cost:
        self.server.requests.clear()
        work()
        return Cost(self.server.asked("LIST"), self.server.asked("GET"))


@pytest.fixture
def bucket(s3: Server) -> Bucket:
    return Bucket(s3)


@pytest.fixture(params=["folder", "bucket"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A landing zone of either kind."""
    if request.param == "folder":
        return Folder(tmp_path / "landing", monkeypatch)
    bucket: Bucket = request.getfixturevalue("bucket")
    return bucket
