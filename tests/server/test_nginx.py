"""The guide's configuration of nginx, in front of a real web process."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from app.runtime import Runtime
from app.services import modules
from app.settings import Settings
from plugins.plausible.fast_path import GIF
from plugins.plausible.links import LONGEST, Links
from plugins.plausible.tokens import Signer
from tests.conftest import SECRET_KEY
from tests.receipts.builders import MailedReply, mailed_reply
from tests.support.serving import ROOT, start

pytestmark = pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")

PORTAL, TRACKING = "help.example.com", "t.example.com"
LINKS = Links("https://any", Signer([SECRET_KEY]))
FILES = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def configuration(folder: Path, *, port: int, portal: str) -> Path:
    """The guide's two servers on a port of loopback; all files in `folder`. portal: host and port of PORTAL_URL."""
    text = "".join(re.findall(r"```nginx\n(.*?)```", (ROOT / "docs/operations.md").read_text(), re.DOTALL))
    text = text.replace("listen 443", f"listen 127.0.0.1:{port}").replace("/run/myportal/web.sock", f"{folder}/sock")
    text = text.replace("listen 10.0.0.11:8000", f"listen unix:{folder}/inner")
    text = re.sub(r"/etc/ssl/\S+\.(pem|key);", rf"{folder}/any.\1;", text).replace("/var/log/nginx/", f"{folder}/")
    # The portal of this test is at a port, and under no name.
    text = text.replace("Host $host;", f"Host {portal};", 1).replace(f"Host {PORTAL};", f"Host {portal};")
    temporary = "".join(f"{name}_temp_path {folder}/{name};\n" for name in FILES)
    user = "user root;" if os.geteuid() == 0 else ""
    path = folder / "nginx.conf"
    path.write_text(
        f"{user} daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{}}\n"
        f"http {{ access_log {folder}/access.log;\n{temporary}\n{text} }}\n"
    )
    return path


@pytest.fixture
async def reply(runtime: Runtime) -> MailedReply:
    await modules.set_enabled("plausible", enabled=True, user=None)
    return await mailed_reply(runtime.database)


@pytest.fixture
def certificate(tmp_path: Path) -> None:
    """Signed by itself, for both hosts."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=any", "-days", "1",
         "-keyout", str(tmp_path / "any.key"), "-out", str(tmp_path / "any.pem")],
        check=True, capture_output=True,
    )  # fmt: skip


@pytest.fixture
async def nginx(
    settings: Settings, reply: MailedReply, certificate: None, tmp_path: Path
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of nginx."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    async with start(settings, f"--uds={tmp_path / 'sock'}", uds=tmp_path / "sock") as web:
        path = configuration(tmp_path, port=port, portal=urlsplit(web.url).netloc)
        process = await asyncio.create_subprocess_exec("nginx", "-p", str(tmp_path), "-c", str(path))
        try:
            async with httpx.AsyncClient(base_url=f"https://127.0.0.1:{port}", verify=False) as client:  # noqa: S501
                while True:
                    assert process.returncode is None, "nginx ended; its words stand above"
                    try:
                        await client.get("/healthz", headers={"Host": PORTAL})
                        break
                    except httpx.ConnectError:
                        await asyncio.sleep(0.05)
                yield client
        finally:
            process.terminate()
            await process.wait()


async def status(client: httpx.AsyncClient, host: str, path: str) -> int:
    return (await client.get(path, headers={"Host": host})).status_code


def logged(folder: Path) -> str:
    return "".join(path.read_text() for path in folder.glob("*.log"))


@pytest.mark.parametrize("host", [PORTAL, TRACKING])
async def test_pixel_and_the_longest_link_work_and_leave_no_trace_in_its_logs(
    nginx: httpx.AsyncClient, reply: MailedReply, tmp_path: Path, host: str
) -> None:
    tracking_id = reply.recipients[0].tracking_id
    longest = "https://example.org/?" + "ä" * (LONGEST - 21)
    click = LINKS.click(tracking_id, longest)
    assert click is not None
    headers = {"Host": host}
    pixel = await nginx.get(LINKS.pixel(tracking_id).removeprefix("https://any"), headers=headers)
    assert pixel.content == GIF
    assert (await nginx.get(f"/track/pixel/{tracking_id}/", headers=headers)).content == GIF
    followed = await nginx.get(click.removeprefix("https://any"), headers=headers)
    assert followed.status_code == 302
    assert followed.headers["Location"].startswith("https://example.org/?%C3%A4")
    assert await status(nginx, host, click.removeprefix("https://any") + "x") == 400
    assert tracking_id not in logged(tmp_path)
    assert "example.org" not in logged(tmp_path)


async def test_tokens_of_opt_outs_and_customers_leave_no_trace_in_its_logs(
    nginx: httpx.AsyncClient, tmp_path: Path
) -> None:
    assert await status(nginx, PORTAL, "/login?seen") == 200
    for place in ("/privacy", "/conversation"):
        assert await status(nginx, PORTAL, f"{place}/canary-token") in {200, 404}
        await nginx.post(f"{place}/canary-token", headers={"Host": PORTAL})
    assert "/login?seen" in logged(tmp_path), "other pages are logged"
    assert "canary-token" not in logged(tmp_path)


async def test_the_tracking_host_has_pixel_links_and_their_style_and_nothing_else(
    nginx: httpx.AsyncClient, reply: MailedReply
) -> None:
    assert await status(nginx, TRACKING, "/static/base.css") == 200
    tracking_id = reply.recipients[0].tracking_id
    closed = ["/", "/login", "/healthz", "/readyz", "/metrics", f"/api/email-tracking/status/{tracking_id}", "/live"]
    assert [path for path in closed if await status(nginx, TRACKING, path) != 404] == []


async def test_the_portals_host_has_its_pages_and_shows_no_metrics(nginx: httpx.AsyncClient) -> None:
    assert await status(nginx, PORTAL, "/login") == 200
    assert [await status(nginx, PORTAL, path) for path in ("/metrics", "/readyz")] == [404, 404]


async def test_the_inner_address_has_metrics_and_health_and_nothing_else(
    nginx: httpx.AsyncClient, tmp_path: Path
) -> None:
    transport = httpx.AsyncHTTPTransport(uds=str(tmp_path / "inner"))
    async with httpx.AsyncClient(transport=transport, base_url="http://web1.internal:8000") as client:
        found = [(await client.get(path)).status_code for path in ("/metrics", "/readyz", "/healthz", "/login", "/")]
    assert found == [200, 200, 200, 404, 404]
