"""Mails that come in: how many a second, and what a large one costs: `python -m bench.inbound`.

The mails are those of the Python library's own test suite (`test/test_email/data`) and, where it is present, the shared
corpus of HTML mails, each with a head of its own. The database is a private MariaDB that commits durably. One process
stores them one after the other as `myportal receive` does, then reads them as the worker does; a third figure is the
whole command, interpreter and all. The memory is that of a fresh process which stores and reads one mail of 25 MB.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import os
import resource
import secrets
import subprocess
import sys
import sysconfig
import tempfile
import time
from email.message import EmailMessage
from pathlib import Path

from app.inbound import processing, store
from app.localdb import LocalDatabase
from app.migrations import all_migrations, migrate
from app.runtime import Runtime
from app.settings import Settings
from bench import mail_corpus

MB = 1024 * 1024


def main() -> int:
    """Print the table; 0 where every mail was stored and settled."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--mails", type=int, default=1000, help="how many mails (default 1000)")
    parser.add_argument("--large", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--url", default="", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.large:
        return asyncio.run(_large(given.url, given.large))
    with tempfile.TemporaryDirectory() as folder:
        server = LocalDatabase(Path(folder) / "db", name="bench")
        server.start()
        try:
            return asyncio.run(_measure(server.url, given.mails, Path(folder)))
        finally:
            server.stop()


def mails() -> list[bytes]:
    """Real mails, each once."""
    data = Path(sysconfig.get_path("stdlib")) / "test" / "test_email" / "data"
    found = [path.read_bytes() for path in sorted(data.glob("msg_*.txt"))]
    if mail_corpus.available():
        for number, (name, body) in enumerate(mail_corpus.bodies()):
            message = EmailMessage()
            message["From"], message["Subject"] = f"Reader {number} <reader{number}@example.org>", name
            message["Message-ID"] = f"<{number}@corpus.example>"
            message.set_content("See the HTML.")
            message.add_alternative(body, subtype="html")
            found.append(message.as_bytes())
    return found


def _settings(url: str) -> Settings:
    return Settings(
        _env_file=None,
        database_url=url,
        secret_key=secrets.token_hex(32),
        portal_url="http://portal.example",
        log_level="error",
        inbound_per_sender_hour=10**9,
        inbound_automatic_per_hour=10**9,
    )


async def _measure(url: str, count: int, folder: Path) -> int:
    runtime = Runtime.build(_settings(url))
    with runtime.entered():
        await migrate(runtime.database, all_migrations())
        await runtime.register_modules()
        await runtime.open(watch=False)
        real = mails()
        batch = [b"Received: number %d\r\n" % number + real[number % len(real)] for number in range(count)]
        started = time.perf_counter()
        for raw in batch:
            await store.receive(runtime, raw, source="pipe")
        stored = time.perf_counter() - started
        started = time.perf_counter()
        await processing.run_due(runtime)
        read = time.perf_counter() - started
        async with runtime.database.connection() as conn:
            states = await conn.fetch_all("SELECT state, COUNT(*) AS many FROM inbound_mails GROUP BY state")
    await runtime.close()
    command = _command(url, real, folder)
    print(f"{count} mails, {len(real)} different, {sum(map(len, batch)) / count / 1024:.0f} KB on average")
    print(f"{'stored and committed':32} {count / stored:8.0f} a second")
    print(f"{'read and made messages':32} {count / read:8.0f} a second")
    print(f"{'both, one process':32} {count / (stored + read):8.0f} a second")
    print(f"{'`myportal receive`, whole':32} {command * 1000:8.0f} ms")
    print(f"{'states':32} {', '.join(str(row['state']) + ' ' + str(row['many']) for row in states)}")
    sys.stdout.flush()
    large = [sys.executable, "-m", "bench.inbound", "--url", url, "--large"]
    for size in (1, 25):
        await (await asyncio.create_subprocess_exec(*large, str(size))).wait()
    return 0 if sum(row["many"] for row in states if row["state"] == "new") == 0 else 1


def _command(url: str, real: list[bytes], folder: Path) -> float:
    """Seconds of one `myportal receive`, the median of five."""
    environment = {**os.environ, "DATABASE_URL": url, "SECRET_KEY": secrets.token_hex(32), "VAR_DIR": str(folder)}
    times: list[float] = []
    for number in range(5):
        started = time.perf_counter()
        command = [sys.executable, "-m", "app", "receive"]
        subprocess.run(command, input=b"Received: by pipe %d\r\n" % number + real[0], env=environment, check=True)
        times.append(time.perf_counter() - started)
    return sorted(times)[2]


async def _large(url: str, size: int) -> int:
    """Store and read one mail of `size` MB, half of it in files of 8 MB at most, and say what that took."""
    parts = [b"Content-Type: text/plain\r\n\r\nSee the files."]
    room = size * MB - 20_000
    while room > 0:
        piece = base64.encodebytes(os.urandom(min(room * 3 // 4, 8 * MB)))
        parts.append(b"Content-Type: application/zip; name=f.zip\r\nContent-Transfer-Encoding: base64\r\n\r\n" + piece)
        room -= len(piece)
    raw = b"From: bob@example.org\r\nSubject: Large\r\nContent-Type: multipart/mixed; boundary=x\r\n"
    raw += b"".join(b"\r\n--x\r\n" + part for part in parts) + b"\r\n--x--\r\n"
    del parts
    runtime = Runtime.build(_settings(url))
    with runtime.entered():
        await runtime.open(watch=False)
        before = _peak()
        started = time.perf_counter()
        stored = await store.receive(runtime, raw, source="pipe")
        middle, after_store = time.perf_counter(), _peak()
        await processing.run_due(runtime)
        ended = time.perf_counter()
        async with runtime.database.connection() as conn:
            row = await conn.fetch_one("SELECT state, reason FROM inbound_mails WHERE id = %(id)s", {"id": stored.id})
    await runtime.close()
    print(
        f"a mail of {len(raw) / MB:.1f} MB: stored in {middle - started:.1f} s, read in {ended - middle:.1f} s; memory "
        f"{before} MB before, at most {after_store} MB while storing, {_peak()} MB while reading; {row}"
    )
    return 0


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    sys.exit(main())
